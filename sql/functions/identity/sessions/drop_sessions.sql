create or replace function identity.drop_sessions(p_user_id uuid, p_because text, p_but uuid default null)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_dropped integer;
begin
    update identity.user_sessions as s
    set
        revoked_at = base.clock(),
        revoked_because = p_because
    where s.user_id = p_user_id and s.revoked_at is null and s.expires_at > base.clock() and s.id is distinct from p_but;
    get diagnostics v_dropped = row_count;
    -- One act, however many: each would be a row of the audit while others wait for the user's.
    if v_dropped > 0 then
        perform base.record_act(
            'sessions.revoked', 'user', p_user_id::text, null, null, (select u.tenant_id from identity.users as u where u.id = p_user_id),
            jsonb_build_object('sessions', v_dropped, 'because', p_because)
        );
    end if;
    -- A log-in that is half done would open another one, or bring an old password back.
    delete from identity.login_attempts as a where a.user_id = p_user_id and a.step in ('second_factor', 'hash_again');
    perform identity.drop_address_change(p_user_id);
    return v_dropped;
end;
$$;

comment on function identity.drop_sessions(uuid, text, uuid) is $$
End all sessions of a user, but one; return how many there were. Who may is asked by whoever calls this.

Arguments
  p_because  one of the words of identity.user_sessions.revoked_because
  p_but      the session that goes on; null: none
$$;
