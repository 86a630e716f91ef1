create or replace function identity.set_user_status(p_user_id uuid, p_status text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    if p_status is null or p_status not in ('active', 'trial', 'suspended', 'cancelled') then
        raise exception 'status must be active, trial, suspended or cancelled, not %', coalesce(quote_literal(left(p_status, 80)), 'null')
            using errcode = 'RQ008', hint = 'To delete an account: identity.delete_user; to bring it back: identity.restore_user.';
    end if;
    v_user := identity.lock_user(p_user_id, p_admins => true);
    if v_user.status = p_status then
        return;
    end if;
    if v_user.role = 'admin' and v_user.status in ('active', 'trial') and p_status in ('suspended', 'cancelled') then
        perform identity.check_other_admin(v_user.tenant_id, v_user.id);
    end if;
    update identity.users as u
    set status = case
        -- Who was suspended during a trial comes back to it.
        when v_user.status in ('suspended', 'cancelled') and p_status = 'active' then identity.status_with_trial(u.tenant_id, u.id, p_status)
        else p_status
    end
    where u.id = v_user.id;
    if p_status in ('suspended', 'cancelled') then
        perform identity.drop_sessions(v_user.id, 'suspended');
    end if;
end;
$$;

comment on function identity.set_user_status(uuid, text) is $$
Suspend or cancel an account, or make it active again. Who is neither active nor on trial cannot log in, and their sessions end.

Arguments
  p_status  active, trial, suspended or cancelled

Raises
  RQ004  no such user, or not one that the caller may see
  RQ008  no such status
  RQ009  the last admin of the tenant
  RQ016  the caller's role does not allow it
$$;
