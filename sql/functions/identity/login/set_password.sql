create or replace function identity.set_password(p_user_id uuid, p_password_hash text, p_but uuid default null)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    v_user := identity.lock_user(p_user_id, p_themselves => true);
    perform identity.put_password(v_user.id, p_password_hash, p_but);
    perform base.record_act('password.changed', 'user', v_user.id::text, null, null, v_user.tenant_id);
end;
$$;

comment on function identity.set_password(uuid, text, uuid) is $$
Give a user another password. Their sessions end, but for one; what was mailed to them is of no use any more. Users do it for themselves,
after the application has asked for the old one (identity.finish_login, p_open => false); the tenant and its admins for all of its users.

Arguments
  p_password_hash  argon2id, made by identity.argon2_parameters(); bcrypt is taken where accounts come from another system
  p_but            the session that goes on; null: none

Raises
  RQ004  no such user, or not one that the caller may see
  RQ008  it is no hash
  RQ016  the caller's role does not allow it
$$;
