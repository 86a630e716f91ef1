create or replace function identity.second_factor_secret(p_user_id uuid)
returns bytea
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    v_user := identity.lock_user(p_user_id, p_themselves => true);
    if base.current_user_id() is not null and base.current_user_id() <> v_user.id then
        raise exception 'a second factor is set up by its user' using errcode = 'RQ016', hint = 'An admin may take it away: identity.drop_second_factor.';
    end if;
    if v_user.two_factor_secret is null or v_user.two_factor_enabled then
        raise exception 'user % must have begun to set up a second factor', p_user_id
            using errcode = 'RQ009', hint = 'identity.enrol_second_factor begins; one that is asked for is told to nobody.';
    end if;
    return v_user.two_factor_secret;
end;
$$;

comment on function identity.second_factor_secret(uuid) is $$
The sealed secret of a second factor that is being set up, to check the first code with.

Raises
  RQ004  no such user, or not one that the caller may see
  RQ009  none is being set up
  RQ016  the caller is another user
$$;
