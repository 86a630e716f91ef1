create or replace function identity.set_user_role(p_user_id uuid, p_role text)
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
    perform identity.check_manages_users(coalesce(p_role, ''));
    if v_user.role = p_role then
        return;
    end if;
    if v_user.role = 'admin' then
        perform identity.check_other_admin(v_user.tenant_id, v_user.id);
    end if;
    update identity.users as u set role = p_role where u.id = v_user.id;
    perform identity.drop_sessions(v_user.id, 'role_changed');
end;
$$;

comment on function identity.set_user_role(uuid, text) is $$
Give a user another role. Their sessions end: they log in anew, with what they may now.

Arguments
  p_role  admin, member, viewer or beta_tester; not above the caller's own

Raises
  RQ004  no such user, or not one that the caller may see
  RQ008  no such role
  RQ009  the last admin of the tenant
  RQ016  the caller's role does not allow it
$$;
