create or replace function identity.named_tenant(p_tenant text)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    if p_tenant is null then
        v_id := coalesce(base.current_tenant(), (select t.id from identity.tenants as t where t.slug = 'default'));
    elsif p_tenant ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
        select t.id into v_id from identity.tenants as t where t.id = p_tenant::uuid;
    else
        select t.id into v_id from identity.tenants as t where t.slug = p_tenant;
    end if;
    if v_id is null or not base.may_act_for(v_id) then  -- mutant: anybody's tenant is found
        raise exception 'no tenant %', coalesce(quote_literal(left(p_tenant, 80)), 'named')
            using errcode = 'RQ004', hint = 'Give its slug or id; an application names its own in the setting reelq.tenant_id.';
    end if;
    return v_id;
end;
$$;

comment on function identity.named_tenant(text) is $$
The id of a tenant that the caller may act for, whatever its status.

Arguments
  p_tenant  slug or id; null: the tenant of reelq.tenant_id, else "default"

Raises
  RQ004  no such tenant, or not the caller's
$$;
