create or replace function ops.assets_to_erase(p_user_id uuid, p_limit integer)
returns setof uuid
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
    select distinct found.id
    from (
        (select a.id from media.assets as a where a.owner_user_id = p_user_id limit p_limit)
        union all
        (select v.asset_id from media.videos as v where v.user_id = p_user_id limit p_limit)
    ) as found
    cross join lateral (select f.owner_user_id from media.assets as f where f.id = found.id offset 0) as a
    where
        (a.owner_user_id is null or a.owner_user_id = p_user_id)
        and not exists (select from media.videos as o where o.asset_id = found.id and o.user_id is distinct from p_user_id)  -- mutant: what somebody else shows goes too
    limit p_limit;
$$;

comment on function ops.assets_to_erase(uuid, integer) is $$
Files that are a user's alone, once ops.erase_shared has dealt with the others.
$$;
