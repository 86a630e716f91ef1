create or replace function identity.may_change(p_tenant_id uuid, p_user_id uuid)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return identity.may_see(p_tenant_id, p_user_id) and identity.may_write();
end;
$$;

comment on function identity.may_change(uuid, uuid) is $$
Whether the caller may change a row of this tenant and user: one that they may see (identity.may_see), unless they are a viewer.

Arguments
  as those of identity.may_see
$$;
