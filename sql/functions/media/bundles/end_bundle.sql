create or replace function media.end_bundle(p_bundle text)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_bundle media.bundles;
    v_count integer;
begin
    perform base.check_read_committed();
    perform identity.check_may_write('delete');
    select b.* into v_bundle from media.bundles as b where b.id = media.find_bundle(p_bundle) and base.may_act_for(b.tenant_id) for no key update;
    if exists (
        select from media.bundle_members as m
        inner join media.assets as a on a.id = m.asset_id
        where m.bundle_id = v_bundle.id and not identity.may_see(a.tenant_id, a.owner_user_id)  -- mutant: a member ends what keeps another's files
    ) then
        raise exception 'bundle % must hold no file of another user to be ended by who is no admin', v_bundle.id
            using errcode = 'RQ016', hint = 'Take your own out: media.remove_from_bundle. Or ask an admin of the tenant.';
    end if;
    select count(*) into v_count from media.bundle_members as m where m.bundle_id = v_bundle.id;
    if v_bundle.ended_at is null then
        update media.bundles as b set ended_at = base.clock() where b.id = v_bundle.id;
        perform base.record_act(
            'bundle.ended', 'bundle', v_bundle.id::text, p_tenant_id => v_bundle.tenant_id,
            p_facts => jsonb_build_object('name', v_bundle.name, 'assets', v_count)
        );
    end if;
    return v_count;
end;
$$;

comment on function media.end_bundle(text) is $$
End a bundle: from now on it keeps nothing, and its name is free. Files of class "bundle" that nothing else keeps go with the next retention, others
after their days. Returns how many files are in it. One that was ended already stays as it is.

Arguments
  p_bundle  its id, or its name

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such bundle
  RQ008  two tenants have a bundle of this name
  RQ016  a viewer, who may only look, a key without the scope delete, or a member, where it holds files of others
$$;
