create or replace function queue.check_active_tenant(p_tenant_id uuid)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_status text;
begin
    select t.status into v_status from identity.tenants as t where t.id = p_tenant_id for key share;  -- mutant: a tenant goes while a job of it comes
    if v_status is null then
        raise exception 'no tenant %', p_tenant_id
            using errcode = 'RQ004', hint = 'select id, slug from identity.tenants';
    elsif v_status <> 'active' then
        raise exception 'tenant % must be active, not %', p_tenant_id, v_status
            using errcode = 'RQ012', hint = 'Activate the tenant first.';
    end if;
end;
$$;

comment on function queue.check_active_tenant(uuid) is $$
Refuse work for a tenant that is unknown (RQ004) or not active (RQ012), and keep it from being deleted until this transaction ends.
$$;
