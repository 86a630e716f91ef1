create or replace function base.is_support()
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_caller name := coalesce(nullif(current_setting('role', true), 'none'), session_user::text);
    v_tenant text := coalesce(current_setting('reelq.tenant_id', true), '');
begin
    -- Nonsense for a tenant is no tenant, and must not be all of them. A user of a tenant is no support.
    if (v_tenant <> '' and base.current_tenant() is null) or coalesce(current_setting('reelq.user_id', true), '') <> '' then
        return false;
    end if;
    return pg_has_role(v_caller, to_regrole('reelq_support')::oid, 'usage')
        or pg_has_role(v_caller, to_regrole('reelq_admin')::oid, 'usage')
        or coalesce((select pg_has_role(v_caller, space.nspowner, 'usage') from pg_catalog.pg_namespace as space where space.nspname = 'base'), false);
end;
$$;

comment on function base.is_support() is $$
Whether the caller may see masked views: members of reelq_support and reelq_admin, and the owner. With reelq.tenant_id set it is for that
tenant only, and for none when the setting is no uuid; with reelq.user_id never.

Raises
  RQ008  reelq.tenant_id is no uuid, and the caller is the owner or an operator
$$;
