create or replace function ops.objects_of_assets(p_asset_ids uuid[])
returns setof uuid
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
    select a.object_id from media.assets as a where a.id = any(p_asset_ids) and a.object_id is not null
    union
    select r.object_id from media.variants as r where r.asset_id = any(p_asset_ids)
    union
    -- What attempts left that were overtaken or failed: the keys of a file have one prefix.
    select o.id
    from media.assets as a
    cross join lateral (
        select f.id
        from media.objects as f
        where
            f.tenant_id = a.tenant_id
            and f.key >= format('tenants/%s/media/%s/', a.tenant_id, a.id) collate "C" and f.key < format('tenants/%s/media/%s0', a.tenant_id, a.id) collate "C"
        offset 0
    ) as o
    where a.id = any(p_asset_ids);
$$;

comment on function ops.objects_of_assets(uuid[]) is $$
The objects that files refer to, themselves or by what was made of them, and those whose keys are theirs.
$$;
