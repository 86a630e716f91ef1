create or replace function identity.restore_user(p_user_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '500ms'
as $$
declare
    v_user identity.users;
begin
    v_user := identity.lock_user(p_user_id, p_deleted => true);
    update identity.users as u
    set
        status = identity.status_with_trial(u.tenant_id, u.id, coalesce(u.status_before, 'active')),
        status_before = null,
        deleted_at = null
    where u.id = v_user.id;
exception
    when lock_not_available then
        raise exception 'another session holds user %, or is about to take the address or username', p_user_id
            using errcode = 'lock_not_available', hint = 'Try again in a moment.';
    when unique_violation then
        raise exception 'the address or the username of user % must be free, and another user has it by now', p_user_id
            using errcode = 'RQ009', hint = 'Change the other user''s first: reelq users set USER --email …, or identity.change_user.';
end;
$$;

comment on function identity.restore_user(uuid) is $$
Bring a deleted account back, as active. It keeps its role and password; its sessions stay ended.

Raises
  55P03  another session holds the address, the username or the user for more than 2 seconds
  RQ004  no such deleted user, or not one that the caller may see
  RQ009  its address or username has been taken since
  RQ016  the caller's role does not allow it
$$;
