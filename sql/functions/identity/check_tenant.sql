create or replace function identity.check_tenant(p_tenant_id uuid, p_slug text default null)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
    v_status text;
    v_slug text;
begin
    select t.id, t.status, t.slug
    into v_id, v_status, v_slug
    from identity.tenants as t
    where
        t.id = coalesce(p_tenant_id, case when p_slug is null then base.current_tenant() end)
        or (p_tenant_id is null and t.slug = p_slug)
        or (p_tenant_id is null and p_slug is null and base.current_tenant() is null and t.slug = 'default');

    if coalesce(p_tenant_id::text, p_slug) is null and base.current_tenant() is null and not base.is_trusted() then
        raise exception 'reelq.tenant_id must be set: it says for which tenant you act'
            using errcode = 'RQ004', hint = 'select set_config(''reelq.tenant_id'', …, true) in the transaction, with the id of your tenant.';
    end if;
    -- A tenant that the caller may not act for is answered like one that is not there.
    if v_id is null or not base.may_act_for(v_id) then
        raise exception 'no tenant %', coalesce(p_tenant_id::text, p_slug, 'default')
            using errcode = 'RQ004', hint = 'See: select slug, id from identity.tenants. An application names its tenant in the setting reelq.tenant_id.';
    end if;

    if v_status <> 'active' then
        raise exception 'tenant % must be active, not %', v_id, v_status
            using errcode = 'RQ012', hint = format('An operator lets it go on: reelq tenants activate %s, or select identity.set_tenant_status(%L, ''active'').', v_slug, v_slug);
    end if;

    return v_id;
end;
$$;

comment on function identity.check_tenant(uuid, text) is $$
The id of an active tenant that the caller may act for.

Arguments
  p_tenant_id  null means the one of p_slug
  p_slug       null means the tenant of reelq.tenant_id, else the tenant "default"

Raises
  RQ004  no such tenant, or not one that the caller may act for
  RQ012  the tenant is suspended or deleted
$$;
