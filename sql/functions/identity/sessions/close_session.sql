create or replace function identity.close_session(p_token text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    update identity.user_sessions as s
    set
        revoked_at = base.clock(),
        revoked_because = 'logged_out'
    where
        s.token_hash = identity.token_hash(p_token) and s.revoked_at is null
        and coalesce(s.tenant_id = identity.pinned_tenant(), true);
$$;

comment on function identity.close_session(text) is $$
Log out: end the session of a token. The answer is the same where there is none.
$$;
