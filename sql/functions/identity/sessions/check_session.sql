create or replace function identity.check_session(p_token text)
returns table (session_id uuid, user_id uuid, tenant_id uuid, role text, second_factor boolean, expires_at timestamptz)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_tenant_id uuid := identity.pinned_tenant();
    v_seen timestamptz;
begin
    select s.id, s.user_id, s.tenant_id, u.role, s.second_factor, s.expires_at, l.used_at
    into session_id, user_id, tenant_id, role, second_factor, expires_at, v_seen
    from identity.user_sessions as s
    inner join identity.session_last_uses as l on l.session_id = s.id
    inner join identity.users as u on u.id = s.user_id
    inner join identity.tenants as t on t.id = s.tenant_id
    where
        s.token_hash = identity.token_hash(p_token)
        and s.revoked_at is null  -- mutant: a revoked session goes on
        and s.expires_at > v_now  -- mutant: a session lives for ever
        and l.used_at > v_now - identity.login_setting('session_idle')::interval  -- mutant: an idle session goes on
        and u.deleted_at is null and u.status in ('active', 'trial') and t.status <> 'deleted'
        and coalesce(s.tenant_id = v_tenant_id, true);  -- mutant: a session of another tenant is taken
    if session_id is null then
        perform identity.refuse_credentials();
    end if;

    -- Seldom, and never waiting: requests of one session come side by side. In a row apart, so that whoever ends the session waits for none.
    if v_seen <= v_now - identity.login_setting('session_seen_every')::interval then
        update identity.session_last_uses as l set used_at = v_now
        where l.session_id = any(array(
            select o.session_id from identity.session_last_uses as o where o.session_id = check_session.session_id for no key update skip locked
        ));
    end if;
    perform
        set_config('reelq.tenant_id', tenant_id::text, true),
        set_config('reelq.user_id', user_id::text, true),
        set_config('reelq.session_id', session_id::text, true),
        set_config('reelq.api_key_id', '', true);  -- mutant: a key of before acts for the session
    return next;
end;
$$;

comment on function identity.check_session(text) is $$
Who the bearer of a session's token is; for the rest of the transaction the caller acts as that user (reelq.tenant_id, reelq.user_id; reelq.session_id says by which session).
  begin; select * from identity.check_session('rqs_…'); select * from queue.list_jobs(); commit;

A session ends at its time, when it was not used for the setting session_idle, when it is revoked, and with its account. With
reelq.tenant_id set it has to be of that tenant.

Raises
  RQ014  no such session, or it has ended
$$;
