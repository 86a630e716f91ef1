create or replace function identity.check_fresh_login()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_session text := coalesce(current_setting('reelq.session_id', true), '');
    v_since timestamptz := base.clock() - identity.login_setting('fresh_login')::interval;
begin
    if base.current_user_id() is null then
        return;
    end if;
    if coalesce(current_setting('reelq.api_key_id', true), '') <> '' then  -- mutant: a key counts as a log-in
        null;  -- nobody has logged in
    elsif v_session <> '' then
        if exists (
            select from identity.user_sessions as s
            where s.id::text = v_session and s.user_id = base.current_user_id() and s.revoked_at is null and s.created_at > v_since
        ) then
            return;
        end if;
    elsif exists (select from identity.users as u where u.id = base.current_user_id() and u.last_login_at > v_since) then
        return;
    end if;
    raise exception 'this needs a log-in of the last minutes'  -- mutant: an old session takes the mailbox over
        using errcode = 'RQ016', hint = format('Log in anew: the session must not be older than %s (setting fresh_login).', identity.login_setting('fresh_login'));
end;
$$;

comment on function identity.check_fresh_login() is $$
Refuse a user (reelq.user_id) whose session began longer ago than the setting fresh_login: a session that somebody has stolen must not become the
account. The session is the one that identity.check_session has named (reelq.session_id); without one the user's last log-in counts. A key is no
log-in. The tenant itself and operators pass.

Raises
  RQ016  the log-in is too old
$$;
