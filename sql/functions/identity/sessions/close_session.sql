create or replace function identity.close_session(p_token text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_session identity.user_sessions;
begin
    update identity.user_sessions as s
    set
        revoked_at = base.clock(),
        revoked_because = 'logged_out'
    where
        s.token_hash = identity.token_hash(p_token) and s.revoked_at is null
        and coalesce(s.tenant_id = identity.pinned_tenant(), true)
    returning s.* into v_session;
    if v_session.id is not null then
        perform base.record_act(
            'session.revoked', 'session', v_session.id::text, null, null, v_session.tenant_id,
            jsonb_build_object('because', 'logged_out', 'subject_user_id', v_session.user_id)
        );
    end if;
end;
$$;

comment on function identity.close_session(text) is $$
Log out: end the session of a token. The answer is the same where there is none.
$$;
