create or replace function identity.add_session(p_user_id uuid, p_device text, p_second_factor boolean)
returns table (session_id uuid, token text, expires_at timestamptz)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_most constant integer := 100;
    v_ended integer;
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
    -- A program that logs in again and again ends its own oldest ones. The caller holds the user's row, so that two do not count at once.
    update identity.user_sessions as s
    set
        revoked_at = v_now,
        revoked_because = 'too_many'
    where s.id = any(array(
        select o.id from identity.user_sessions as o
        where o.user_id = p_user_id and o.revoked_at is null and o.expires_at > v_now
        order by o.created_at desc, o.id desc
        offset v_most  -- mutant: sessions have no bound
    ));
    get diagnostics v_ended = row_count;
    if v_ended > 0 then
        perform base.record_act(
            'sessions.revoked', 'user', p_user_id::text, null, null, (select u.tenant_id from identity.users as u where u.id = p_user_id),
            jsonb_build_object('sessions', v_ended, 'because', 'too_many')
        );
    end if;
    return next;
end;
$$;

comment on function identity.add_session(uuid, text, boolean) is $$
Open a session of a user; its token is told here and kept nowhere. Who may is asked by whoever calls this.
$$;
