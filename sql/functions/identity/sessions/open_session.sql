create or replace function identity.open_session(p_user_id uuid, p_device text default null, p_second_factor boolean default false)
returns table (session_id uuid, token text, expires_at timestamptz)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    v_user := identity.lock_user(p_user_id);
    -- A user who could do this would be anybody of the tenant.
    if coalesce(current_setting('reelq.user_id', true), '') <> '' then  -- mutant: an admin becomes another user
        raise exception 'a user may not open a session of another'
            using errcode = 'RQ016', hint = 'The application does so, without reelq.user_id, once it knows who it is.';
    end if;
    if v_user.status not in ('active', 'trial') then
        perform identity.refuse_credentials();
    end if;
    return query select made.session_id, made.token, made.expires_at from identity.complete_login(v_user.id, p_device, p_second_factor) as made;
end;
$$;

comment on function identity.open_session(uuid, text, boolean) is $$
Open a session of a user whom the application has recognised by itself, as through a provider of log-ins. With a password:
identity.begin_login.

Arguments
  p_device         what the device is called; null: not told
  p_second_factor  whether a second factor was given there

Returns the session's id, its token, told this once, and its end in any case.

Raises
  RQ004  no such user, or not one that the caller may see
  RQ014  the account is suspended or cancelled
  RQ016  the caller is a user
$$;
