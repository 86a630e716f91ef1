create or replace function identity.complete_login(p_user_id uuid, p_device text, p_second_factor boolean)
returns table (session_id uuid, token text, expires_at timestamptz)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update identity.users as u
    set
        failed_login_attempts = 0,
        locked_until = null,
        last_login_at = base.clock(),
        last_login_ip = identity.client_ip()
    where u.id = p_user_id;
    return query select made.session_id, made.token, made.expires_at from identity.add_session(p_user_id, p_device, p_second_factor) as made;
    perform base.record_act('login.succeeded', 'user', p_user_id::text, null, null, (select u.tenant_id from identity.users as u where u.id = p_user_id));
end;
$$;

comment on function identity.complete_login(uuid, text, boolean) is $$
Somebody has proved who they are: count failures anew, note the log-in, and open a session.
$$;
