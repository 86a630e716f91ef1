create or replace function identity.change_user(p_user_id uuid, p_changes jsonb)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '500ms'  -- mutant: change_user waits for another session's address
as $$
declare
    v_user identity.users := identity.lock_user(p_user_id, p_themselves => true, p_scope => 'write');
    v_known text[] := array['email', 'username', 'full_name', 'avatar_url', 'timezone', 'language', 'settings', 'metadata'];
    v_unknown text;
    v_new identity.users;
    v_constraint text;
    v_bound text;
begin
    if not identity.may_change(v_user.tenant_id, v_user.id) then
        raise exception 'a viewer may not change an account' using errcode = 'RQ016', hint = 'Ask an admin of the tenant.';
    end if;
    if jsonb_typeof(p_changes) is distinct from 'object' then
        raise exception 'p_changes must be a JSON object, not %', coalesce(left(p_changes::text, 80), 'null')
            using errcode = 'RQ008', hint = 'Such as {"full_name": "Ann Example"}.';
    end if;
    select k into v_unknown from jsonb_object_keys(p_changes) as k where k <> all(v_known) order by k limit 1;
    if v_unknown is not null then
        raise exception 'p_changes must have known keys only, not %', quote_literal(left(v_unknown, 80))
            using errcode = 'RQ008', hint = 'Known: ' || array_to_string(v_known, ', ') || '. Role and status: identity.set_user_role, set_user_status.';
    end if;
    -- Who takes over a session must not take over the mailbox that resets the password: a new address has to be proved first.
    if p_changes ? 'email' and lower(p_changes ->> 'email') is distinct from lower(v_user.email) and not identity.sees_whole_tenant() then
        raise exception 'a new address must be proved before it is yours'
            using errcode = 'RQ016', hint = 'Call identity.request_verification(user, address), and use the token that is mailed there.';
    end if;
    if p_changes ? 'email' and lower(trim(p_changes ->> 'email')) is distinct from lower(v_user.email) then
        perform identity.check_fresh_login();
    end if;
    v_new := jsonb_populate_record(v_user, p_changes);
    v_bound := case
        when octet_length(v_new.settings::text) > 16384 then 'settings must have at most 16384 bytes'
        when octet_length(v_new.metadata::text) > 16384 then 'metadata must have at most 16384 bytes'
        when length(v_new.avatar_url) > 2048 then 'avatar_url must have at most 2048 characters'
        when length(v_new.timezone) > 100 then 'timezone must have at most 100 characters'
        when length(v_new.language) > 35 then 'language must have at most 35 characters'
    end;
    if v_bound is not null then  -- mutant: an account holds as much as somebody writes
        raise exception '%', v_bound using errcode = 'RQ008', hint = 'Files belong into a store, and their address here.';
    end if;
    update identity.users as u
    set
        email = trim(v_new.email),
        email_verified = u.email_verified and lower(trim(v_new.email)) = lower(u.email),
        username = v_new.username,
        full_name = v_new.full_name,
        avatar_url = v_new.avatar_url,
        timezone = v_new.timezone,
        language = v_new.language,
        settings = v_new.settings,
        metadata = v_new.metadata
    where u.id = v_user.id;
    if lower(v_new.email) <> lower(v_user.email) then
        delete from identity.one_time_tokens as t where t.user_id = v_user.id and t.used_at is null;
    end if;
exception
    when unique_violation then
        get stacked diagnostics v_constraint = constraint_name;
        raise exception '% must be a new one, not one that another user has',
            case v_constraint when 'users_one_username' then 'username' else 'email' end
            using errcode = 'RQ009', hint = 'An address belongs to one live account on the platform, a username to one of the tenant.';
    when lock_not_available then
        raise exception 'another session holds user %, or is about to take the address or username', p_user_id
            using errcode = 'lock_not_available', hint = 'Try again in a moment.';
    when check_violation or not_null_violation or data_exception then
        get stacked diagnostics v_constraint = constraint_name;
        raise exception '%', identity.user_refusal(v_constraint, p_changes ->> 'email')
            using errcode = 'RQ008', hint = 'An email such as ann@example.com, a username of 1 to 100 characters, a name of at most 255; settings and metadata are JSON objects.';
end;
$$;

comment on function identity.change_user(uuid, jsonb) is $$
Change what an account says of its user: email, username, full_name, avatar_url, timezone, language, settings, metadata. Users change
themselves, the tenant and its admins all of its users. A new email is unproved, and what was mailed to the old one is of no use any more;
users change their own by identity.request_verification.

Arguments
  p_changes  such as {"full_name": "Ann Example", "username": null}; what is not named stays

Raises
  55P03  another session holds the user, or is about to take the address: try again
  RQ004  no such user, or not one that the caller may see
  RQ008  an unknown key, or a value that does not fit: settings and metadata have 16 kB at most, avatar_url 2048 characters, timezone 100, language 35
  RQ009  the address or the username is taken
  RQ016  the caller's role does not allow it, or a user's log-in is too old for another email: see identity.check_fresh_login
$$;
