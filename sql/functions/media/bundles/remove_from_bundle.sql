create or replace function media.remove_from_bundle(p_bundle text, p_asset_ids uuid[])
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_bundle uuid;
    v_tenant uuid;
    v_count integer;
begin
    perform base.check_read_committed();
    perform identity.check_may_write();
    if p_asset_ids is null or cardinality(p_asset_ids) not between 1 and 10000 then
        raise exception 'files must be 1 to 10000 ids, not %', coalesce(cardinality(p_asset_ids)::text, 'null')
            using errcode = 'RQ008', hint = 'Take more than that out with several calls.';
    end if;
    v_bundle := media.find_bundle(p_bundle);
    select b.tenant_id into v_tenant from media.bundles as b where b.id = v_bundle;
    -- Retention counts from here: the bundle was the last that referred to them.
    update media.assets as a set last_used_at = base.clock()
    where a.id = any(array(
        select m.asset_id from media.bundle_members as m
        inner join media.assets as f on f.id = m.asset_id
        where m.bundle_id = v_bundle and m.asset_id = any(p_asset_ids) and identity.may_change(f.tenant_id, f.owner_user_id)
        order by m.asset_id
        for no key update of f
    ));
    delete from media.bundle_members as m
    where m.bundle_id = v_bundle and m.asset_id = any(p_asset_ids)
        and exists (select from media.assets as f where f.id = m.asset_id and identity.may_change(f.tenant_id, f.owner_user_id));  -- mutant: a member takes another's file out
    get diagnostics v_count = row_count;
    if v_count > 0 then
        perform base.record_act('bundle.reduced', 'bundle', v_bundle::text, p_tenant_id => v_tenant, p_facts => jsonb_build_object('assets', v_count));
    end if;
    return v_count;
end;
$$;

comment on function media.remove_from_bundle(text, uuid[]) is $$
Take files out of a bundle, and return how many were in it. Their retention counts from now on.

Arguments
  p_bundle     its id, or its name
  p_asset_ids  1 to 10,000 files

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such bundle
  RQ008  no ids or too many, or two tenants have a bundle of this name
  RQ016  a viewer, who may only look
$$;
