create or replace function identity.delete_user(p_user_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    v_user := identity.lock_user(p_user_id, p_admins => true);
    if v_user.role = 'admin' then
        perform identity.check_other_admin(v_user.tenant_id, v_user.id);
    end if;
    update identity.users as u set status_before = u.status, status = 'deleted', deleted_at = base.clock() where u.id = v_user.id;
    perform identity.drop_sessions(v_user.id, 'deleted');
    delete from identity.one_time_tokens as t where t.user_id = v_user.id and t.used_at is null;
end;
$$;

comment on function identity.delete_user(uuid) is $$
Delete an account so that it can be brought back (identity.restore_user): nobody logs in with it, its address is free, its videos stay.

Raises
  RQ004  no such user, or not one that the caller may see
  RQ009  the last admin of the tenant
  RQ016  the caller's role does not allow it
$$;
