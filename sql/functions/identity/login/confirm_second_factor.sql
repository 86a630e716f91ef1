create or replace function identity.confirm_second_factor(p_user_id uuid, p_step bigint, p_recovery_hashes bytea[])
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
    if base.current_user_id() is not null and base.current_user_id() <> v_user.id then
        raise exception 'a second factor is set up by its user' using errcode = 'RQ016', hint = 'An admin may take it away: identity.drop_second_factor.';
    end if;
    if v_user.two_factor_secret is null or v_user.two_factor_enabled then
        raise exception 'user % must have begun to set up a second factor', p_user_id
            using errcode = 'RQ009', hint = 'identity.enrol_second_factor begins.';
    end if;
    if cardinality(p_recovery_hashes) is distinct from 10 or exists (select from unnest(p_recovery_hashes) as h where octet_length(h) is distinct from 32)
        or (select count(distinct h) from unnest(p_recovery_hashes) as h) <> 10  -- mutant: recovery codes are the same
    then
        raise exception 'p_recovery_hashes must be 10 of SHA-256, no two the same' using errcode = 'RQ008', hint = 'worker/passwords.py makes codes and hashes.';
    end if;
    if p_step is null or not identity.use_totp_step(v_user.id, p_step) then
        perform identity.refuse_credentials();
    end if;
    update identity.users as u set two_factor_enabled = true where u.id = v_user.id;
    delete from identity.recovery_codes as c where c.user_id = v_user.id;
    insert into identity.recovery_codes (tenant_id, user_id, code_hash)
    select v_user.tenant_id, v_user.id, h from unnest(p_recovery_hashes) as h;
    perform base.record_act('second_factor.added', 'user', v_user.id::text, null, null, v_user.tenant_id);
end;
$$;

comment on function identity.confirm_second_factor(uuid, bigint, bytea[]) is $$
The user has shown a code: from now on it is asked for at each log-in.

Arguments
  p_step             the 30 seconds since 1970 whose code was given; null: the code was wrong
  p_recovery_hashes  SHA-256 of ten recovery codes, which the user keeps; earlier ones are of no use any more

Raises
  RQ004  no such user, or not one that the caller may see
  RQ008  not ten hashes
  RQ009  none is being set up
  RQ014  the code was wrong, old, or used
  RQ016  the caller is another user
$$;
