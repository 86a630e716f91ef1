create or replace function ops.flag_subject(p_tenant_id uuid, p_user_id uuid, out tenant_id uuid, out user_id uuid)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    user_id := coalesce(p_user_id, base.current_user_id());
    tenant_id := coalesce(p_tenant_id, base.current_tenant(), (select u.tenant_id from identity.users as u where u.id = p_user_id and base.is_trusted()));
end;
$$;

comment on function ops.flag_subject(uuid, uuid) is $$
For whom a flag is asked: who is named, else the tenant and user of the session. Whether the caller may see them ask identity.may_see.
$$;
