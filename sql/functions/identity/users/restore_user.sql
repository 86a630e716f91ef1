create or replace function identity.restore_user(p_user_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    v_user := identity.lock_user(p_user_id, p_deleted => true);
    update identity.users as u set status = 'active', deleted_at = null where u.id = v_user.id;
exception
    when unique_violation then
        raise exception 'the address or the username of user % must be free, and another user has it by now', p_user_id
            using errcode = 'RQ009', hint = 'Change the other user''s first: reelq users set USER --email …, or identity.change_user.';
end;
$$;

comment on function identity.restore_user(uuid) is $$
Bring a deleted account back, as active. It keeps its role and password; its sessions stay ended.

Raises
  RQ004  no such deleted user, or not one that the caller may see
  RQ009  its address or username has been taken since
  RQ016  the caller's role does not allow it
$$;
