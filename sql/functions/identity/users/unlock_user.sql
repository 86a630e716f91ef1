create or replace function identity.unlock_user(p_user_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    v_user := identity.lock_user(p_user_id);
    if v_user.locked_until is null and v_user.failed_login_attempts = 0 then  -- nothing to do is no act
        return;
    end if;
    update identity.users as u set failed_login_attempts = 0, locked_until = null where u.id = v_user.id;
    perform base.record_act('login.unlocked', 'user', v_user.id::text, null, null, v_user.tenant_id);
end;
$$;

comment on function identity.unlock_user(uuid) is $$
Let a user log in again at once who was locked out by failed log-ins. Of who was not nothing changes, and the audit tells of no act.

Raises
  RQ004  no such user, or not one that the caller may see
  RQ016  the caller's role does not allow it
$$;
