create or replace function identity.may_change(p_tenant_id uuid, p_user_id uuid, p_scope text default 'write')
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return identity.may_see(p_tenant_id, p_user_id) and identity.may_write(p_scope);
end;
$$;

comment on function identity.may_change(uuid, uuid, text) is $$
Whether the caller may change a row of this tenant and user: one that they may see (identity.may_see), unless they are a viewer or
come with a key without the scope.

Arguments
  p_tenant_id, p_user_id  as those of identity.may_see
  p_scope                 as of identity.may_write
$$;
