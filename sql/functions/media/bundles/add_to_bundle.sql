create or replace function media.add_to_bundle(p_bundle text, p_asset_ids uuid[])
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_bundle media.bundles;
    v_found uuid[];
    v_count integer;
begin
    perform base.check_read_committed();
    perform identity.check_may_write();
    if p_asset_ids is null or cardinality(p_asset_ids) not between 1 and 10000 then
        raise exception 'files must be 1 to 10000 ids, not %', coalesce(cardinality(p_asset_ids)::text, 'null')
            using errcode = 'RQ008', hint = 'Put more than that in with several calls.';
    end if;
    -- Shared with others who add, and not with who ends it.
    select b.* into v_bundle from media.bundles as b where b.id = media.find_bundle(p_bundle) for share;  -- mutant: a bundle ends beside what is put into it
    if v_bundle.ended_at is not null or v_bundle.ends_at <= v_now then
        raise exception 'bundle % must be live, and ended %', v_bundle.id, least(v_bundle.ended_at, v_bundle.ends_at)
            using errcode = 'RQ009', hint = 'Make a new one: reelq bundles create, or media.create_bundle.';
    end if;
    -- The locks keep the files from going before this commits: whoever removes one locks it first, and then looks for bundles.
    v_found := array(
        select a.id from media.assets as a
        where a.id = any(p_asset_ids) and a.tenant_id = v_bundle.tenant_id and a.deleted_at is null
            and identity.may_change(a.tenant_id, a.owner_user_id)  -- mutant: a member puts another's file into a bundle
        order by a.id
        for key share  -- mutant: a file goes while it is put into a bundle
    );
    if cardinality(v_found) < (select count(distinct g) from unnest(p_asset_ids) as g) then
        raise exception 'no asset % of this tenant', (select g from unnest(p_asset_ids) as g where (g = any(v_found)) is not true limit 1)
            using errcode = 'RQ004', hint = 'The id of a video''s file is asset_id in: reelq videos show VIDEO --json';
    end if;
    insert into media.bundle_members (bundle_id, asset_id, tenant_id)
    select v_bundle.id, f.id, v_bundle.tenant_id from unnest(v_found) as f (id)
    on conflict (bundle_id, asset_id) do nothing;
    get diagnostics v_count = row_count;
    perform base.record_act('bundle.extended', 'bundle', v_bundle.id::text, p_tenant_id => v_bundle.tenant_id, p_facts => jsonb_build_object('assets', v_count));
    return v_count;
end;
$$;

comment on function media.add_to_bundle(text, uuid[]) is $$
Put files into a live bundle, and return how many were not in it before.

Arguments
  p_bundle     its id, or its name
  p_asset_ids  1 to 10,000 files of the same tenant

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such bundle, or no such file of its tenant
  RQ008  no ids or too many, or two tenants have a bundle of this name
  RQ009  the bundle is over
  RQ016  a viewer, who may only look
$$;
