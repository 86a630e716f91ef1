create or replace function ops.named_user(p_user_id uuid, p_writes boolean default true)
returns identity.users
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    select u.* into v_user from identity.users as u where u.id = coalesce(p_user_id, base.current_user_id()) and u.deleted_at is null;
    if v_user.id is null or not identity.may_see(v_user.tenant_id, v_user.id) then  -- mutant: another user's notifications
        raise exception 'no user %', coalesce(p_user_id::text, base.current_user_id()::text, 'null')
            using errcode = 'RQ004', hint = 'Set reelq.tenant_id and reelq.user_id, or give p_user_id; look with: select * from identity.list_users().';
    end if;
    -- A viewer reads and marks what they are told, though they change nothing of the tenant's.
    if p_writes and v_user.id is distinct from base.current_user_id() then
        perform identity.check_may_write();
    elsif p_writes then
        perform identity.check_scope('write');
    end if;
    return v_user;
end;
$$;

comment on function ops.named_user(uuid, boolean) is $$
The user whose notifications are asked for: the caller's own, whatever their role; of the tenant for itself and its admins.

Arguments
  p_user_id  null: the user of reelq.user_id
  p_writes   whether something is changed

Raises
  RQ004  no such user, or not one that the caller may see
  RQ016  the caller's role, or the key's scope, does not allow it
$$;
