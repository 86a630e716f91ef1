create or replace function identity.use_totp_step(p_user_id uuid, p_step bigint)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update identity.users as u
    set two_factor_last_step = p_step
    where
        u.id = p_user_id
        and (u.two_factor_last_step is null or u.two_factor_last_step < p_step)  -- mutant: a code is used twice
        and abs(p_step - floor(extract(epoch from base.clock()) / 30)) <= 1;  -- mutant: an old code is taken
    return found;
end;
$$;

comment on function identity.use_totp_step(uuid, bigint) is $$
Use the code of a step of 30 seconds up; whether it was there to be used: at most one step off the present one, and later than any used.
$$;
