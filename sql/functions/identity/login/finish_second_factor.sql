create or replace function identity.finish_second_factor(
    p_challenge uuid, p_step bigint default null, p_recovery_hash bytea default null, p_device text default null
)
returns table (outcome text, user_id uuid, tenant_id uuid, session_id uuid, token text, expires_at timestamptz, codes_left bigint)
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
    v_right boolean := false;
begin
    -- The user before the attempt, as whatever ends sessions locks them.
    perform from identity.users as u
    where u.id = (select a.user_id from identity.login_attempts as a where a.id = p_challenge and a.step = 'second_factor')
    for no key update;
    delete from identity.login_attempts as a
    where a.id = p_challenge and a.step = 'second_factor' and a.created_at > v_now - interval '5 minutes'
    returning a.* into v_attempt;
    -- Used up where it was shown: a caller that rolls back after a wrong code cannot take that back.
    if v_attempt.id is not null and (v_attempt.shown_in is null or v_attempt.shown_in = pg_current_xact_id()) then  -- mutant: a challenge is shown and judged in one transaction
        raise exception 'show_challenge must be committed before finish_second_factor'
            using errcode = 'RQ009', hint = 'Call the two in two transactions.';
    end if;

    select u.* into v_user
    from identity.users as u
    where
        u.id = v_attempt.user_id and u.deleted_at is null and u.status in ('active', 'trial') and u.two_factor_enabled
        and coalesce(u.tenant_id = v_tenant_id, true)
    for no key update;

    if p_step is not null then
        v_right := identity.use_totp_step(v_user.id, p_step);
    elsif p_recovery_hash is not null then
        update identity.recovery_codes as c
        set used_at = v_now
        where c.user_id = v_user.id and c.code_hash = p_recovery_hash and c.used_at is null;  -- mutant: a recovery code is used twice
        v_right := found;
    end if;
    if not coalesce(v_right, false) then
        perform base.record_act(
            'login.failed', 'user', v_user.id::text, null, null, v_user.tenant_id,
            jsonb_build_object('address', v_attempt.address, 'step', 'second_factor')
        );
        outcome := 'refused';
        return next;
        return;
    end if;

    outcome := 'in';
    user_id := v_user.id;
    tenant_id := v_user.tenant_id;
    codes_left := (select count(*) from identity.recovery_codes as c where c.user_id = v_user.id and c.used_at is null);
    select made.session_id, made.token, made.expires_at
    into session_id, token, expires_at
    from identity.complete_login(v_user.id, p_device, true) as made;
    return next;
end;
$$;

comment on function identity.finish_second_factor(uuid, bigint, bytea, text) is $$
The last step of a log-in with a second factor. A challenge is good for one try; the next begins with the password, and is counted.

Arguments
  p_challenge      from identity.finish_login
  p_step           the 30 seconds since 1970 whose code was given: the caller has checked the code. At most one step off, and later than any used
  p_recovery_hash  instead: SHA-256 of a recovery code; each is good once
  p_device         as in identity.finish_login

Returns one row; outcome is
  in       token is the session's, told this once; codes_left: how many recovery codes are good
  refused  nothing else is told: answer with identity.refuse_credentials()

Raises
  RQ009  identity.show_challenge was not called, or in the same transaction
$$;
