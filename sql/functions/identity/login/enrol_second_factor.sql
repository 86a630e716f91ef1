create or replace function identity.enrol_second_factor(p_user_id uuid, p_sealed bytea)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    v_user := identity.lock_user(p_user_id, p_themselves => true);
    -- Somebody else's device is no second factor of this user, not even an admin's.
    if base.current_user_id() is not null and base.current_user_id() <> v_user.id then
        raise exception 'a second factor is set up by its user' using errcode = 'RQ016', hint = 'An admin may take it away: identity.drop_second_factor.';
    end if;
    if v_user.two_factor_enabled then
        raise exception 'user % must have no second factor yet', p_user_id
            using errcode = 'RQ009', hint = 'Take the present one away first: identity.drop_second_factor.';
    end if;
    if base.is_envelope(p_sealed) is not true then
        raise exception 'p_sealed must be a sealed secret'
            using errcode = 'RQ008', hint = 'Keyring.seal(secret, table="identity.users", row=id, column="two_factor_secret").';
    end if;
    perform base.check_sealed(p_sealed);
    update identity.users as u set two_factor_secret = p_sealed, two_factor_last_step = null where u.id = v_user.id;
end;
$$;

comment on function identity.enrol_second_factor(uuid, bytea) is $$
Keep the secret of a second factor. It is asked for once identity.confirm_second_factor has seen a code of it.

Arguments
  p_sealed  the secret, sealed for this row's column two_factor_secret: see base.is_envelope

Raises
  RQ004  no such user, or not one that the caller may see
  RQ008  it is not sealed
  RQ009  there is one that is asked for
  RQ016  the caller is another user
  RQ017  it is not sealed under the current key
$$;
