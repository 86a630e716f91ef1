create or replace function identity.revoke_session(p_session_id uuid)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_session identity.user_sessions;
    v_found boolean;
begin
    select s.* into v_session from identity.user_sessions as s where s.id = p_session_id;
    if v_session.id is null or not identity.may_see(v_session.tenant_id, v_session.user_id) then
        raise exception 'no session %', coalesce(p_session_id::text, 'null')
            using errcode = 'RQ004', hint = 'Look with: reelq sessions list, or identity.list_sessions(); an application sets reelq.tenant_id.';
    end if;
    perform identity.check_manages_account(v_session.user_id);
    update identity.user_sessions as s
    set
        revoked_at = base.clock(),
        revoked_because = 'revoked'
    where s.id = p_session_id and s.revoked_at is null and s.expires_at > base.clock();
    v_found := found;
    if v_found then
        perform base.record_act(
            'session.revoked', 'session', p_session_id::text, null, null, v_session.tenant_id,
            jsonb_build_object('because', 'revoked', 'subject_user_id', v_session.user_id)
        );
    end if;
    perform identity.drop_address_change(v_session.user_id);
    return v_found;
end;
$$;

comment on function identity.revoke_session(uuid) is $$
End a session; whether it had not ended before. Users end their own, the tenant and its admins all of its users'.

Raises
  RQ004  no such session, or not one that the caller may see
  RQ016  the key's scope does not allow it
$$;
