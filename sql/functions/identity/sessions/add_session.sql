create or replace function identity.add_session(p_user_id uuid, p_device text, p_second_factor boolean)
returns table (session_id uuid, token text, expires_at timestamptz)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
begin
    token := identity.new_token('rqs');
    insert into identity.user_sessions as s (
        tenant_id, user_id, token_hash, device, ip_address, user_agent, second_factor, expires_at, created_at
    )
    select
        u.tenant_id, u.id, identity.token_hash(token), nullif(left(trim(p_device), 100), ''), identity.client_ip(),
        -- A browser says what it likes: cut, not refused.
        nullif(left(current_setting('reelq.user_agent', true), 500), ''),
        p_second_factor, v_now + identity.login_setting('session_longest')::interval, v_now
    from identity.users as u
    where u.id = p_user_id
    returning s.id, s.expires_at into session_id, expires_at;
    insert into identity.session_last_uses (session_id, used_at) values (session_id, v_now);
    return next;
end;
$$;

comment on function identity.add_session(uuid, text, boolean) is $$
Open a session of a user; its token is told here and kept nowhere. Who may is asked by whoever calls this.
$$;
