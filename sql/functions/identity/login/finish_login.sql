create or replace function identity.finish_login(p_attempt uuid, p_device text default null, p_open boolean default true)
returns table (
    outcome text, user_id uuid, tenant_id uuid, session_id uuid, token text, expires_at timestamptz, challenge uuid,
    hash_again boolean
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_tenant_id uuid := identity.pinned_tenant();
    v_attempt identity.login_attempts;
    v_user identity.users;
    v_told identity.users;
    v_tries integer := identity.login_setting('login_tries')::integer;
begin
    -- The user before the attempt, as whatever ends sessions locks them.
    perform from identity.users as u
    where u.id = (select a.user_id from identity.login_attempts as a where a.id = p_attempt and a.step = 'password')
    for no key update;
    delete from identity.login_attempts as a
    where a.id = p_attempt and a.step = 'password'
    returning a.* into v_attempt;
    -- A caller that rolls back after a wrong password would take the count back with it, or try another one.
    if pg_current_xact_id() in (v_attempt.began_in, v_attempt.shown_in) then  -- mutant: an attempt is counted and tried in one transaction
        raise exception 'begin_login and give_proof must be committed before finish_login'
            using errcode = 'RQ009', hint = 'Call finish_login in a transaction of its own.';
    end if;

    select u.* into v_user
    from identity.users as u
    where
        u.id = v_attempt.user_id and v_attempt.admitted and v_attempt.created_at > v_now - interval '5 minutes'
        and u.deleted_at is null and u.status in ('active', 'trial') and (select t.status from identity.tenants as t where t.id = u.tenant_id) <> 'deleted'
        and coalesce(u.tenant_id = v_tenant_id, true)
        and (u.email_verified or identity.login_setting('login_needs_verified_email') = 'no')
        and sha256(convert_to(u.password_hash, 'UTF8')) = v_attempt.proof  -- mutant: any password is right
    for no key update;

    if v_attempt.id is null then
        -- Nothing is entered for what was never begun, is used up, or is beyond what is kept: see identity.note_attempt.
        outcome := 'refused';
        return next;
        return;
    end if;
    if v_user.id is null then
        select u.* into v_told from identity.users as u where u.id = v_attempt.user_id;
        perform base.record_act(
            case when v_told.locked_until > v_now then 'login.locked' else 'login.failed' end, 'user', v_told.id::text, null, null,
            coalesce(v_told.tenant_id, v_tenant_id), jsonb_build_object('address', v_attempt.address, 'admitted', v_attempt.admitted)
        );
        outcome := 'refused';
        return next;
        return;
    end if;

    user_id := v_user.id;
    tenant_id := v_user.tenant_id;
    hash_again := v_user.password_hash not like identity.argon2_parameters() || '$%';
    if hash_again then
        insert into identity.login_attempts (id, step, user_id, admitted) values (p_attempt, 'hash_again', v_user.id, true);
    end if;
    if not p_open then
        -- With a second factor the password alone takes back what it was counted itself, not the wrong codes.
        update identity.users as u
        set
            failed_login_attempts = case when u.two_factor_enabled then greatest(u.failed_login_attempts - 1, 0) else 0 end,  -- mutant: a password forgives wrong codes
            locked_until = case when u.two_factor_enabled and u.failed_login_attempts > v_tries then u.locked_until end
        where u.id = v_user.id;
        outcome := 'password_right';
    elsif v_user.two_factor_enabled then  -- mutant: the second factor is not asked for
        insert into identity.login_attempts as a (step, user_id, admitted, address)
        values ('second_factor', v_user.id, true, v_attempt.address)
        returning a.id into challenge;
        outcome := 'second_factor';
    else
        outcome := 'in';
        select made.session_id, made.token, made.expires_at
        into session_id, token, expires_at
        from identity.complete_login(v_user.id, p_device, false) as made;
    end if;
    return next;
end;
$$;

comment on function identity.finish_login(uuid, text, boolean) is $$
The last step of a log-in: says whether the password was right, and opens a session. Without a proof it was not. Rolled back it leaves the attempt with
its proof, for five minutes: no other one is taken.

Arguments
  p_attempt  from identity.begin_login and give_proof, in earlier transactions
  p_device   what the device is called; null: not told
  p_open     false: only say whether the password is right, as before it is changed

Returns one row; outcome is
  in              token is the session's, told this once; user_id, tenant_id, session_id, expires_at
  second_factor   challenge, for identity.show_challenge and finish_second_factor
  password_right  where p_open is false
  refused         nothing else is told: answer with identity.refuse_credentials(). Not raised, because what is written down has to stay
  hash_again      the hash is older than the settings: make one by identity.argon2_parameters(), and pass it to identity.hash_again with p_attempt

Raises
  RQ009  begin_login or give_proof was called in the same transaction
$$;
