create or replace function queue.tenant_refusal(p_tenant_id uuid)
returns text[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_status text;
    v_slug text;
begin
    select t.status, t.slug into v_status, v_slug from identity.tenants as t where t.id = p_tenant_id for key share;  -- mutant: a tenant goes while a job of it comes
    if v_status is null then
        return array[
            'RQ004', format('no tenant %s', p_tenant_id),
            'select id, slug from identity.tenants'
        ];
    elsif v_status <> 'active' then
        return array[
            'RQ012', format('tenant %s must be active, not %s', p_tenant_id, v_status),
            format('An operator lets it go on: reelq tenants activate %s, or select identity.set_tenant_status(%L, ''active'').', v_slug, v_slug)
        ];
    end if;
    return null;
end;
$$;

comment on function queue.tenant_refusal(uuid) is $$
Why work for a tenant is refused: it is unknown (RQ004) or not active (RQ012), {SQLSTATE, message, hint}; null: all is well, and it is kept
from being deleted until this transaction ends.
$$;
