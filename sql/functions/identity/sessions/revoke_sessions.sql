create or replace function identity.revoke_sessions(p_user_id uuid, p_but uuid default null)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    v_user := identity.lock_user(p_user_id, p_themselves => true);
    return identity.drop_sessions(v_user.id, 'revoked', p_but);
end;
$$;

comment on function identity.revoke_sessions(uuid, uuid) is $$
End all sessions of a user, but one; return how many were live. Users do it for themselves, the tenant and its admins for all of its users.

Arguments
  p_but  the session that goes on; null: none

Raises
  RQ004  no such user, or not one that the caller may see
$$;
