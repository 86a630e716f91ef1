create or replace function identity.most_of_login_setting(p_name text)
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case p_name
        when 'argon2_memory_kib' then 262144
        when 'argon2_passes' then 10
        when 'argon2_lanes' then 16
        when 'bcrypt_cost' then 14
        when 'login_tries' then 100
        else 1000000
    end;
$$;

comment on function identity.most_of_login_setting(text) is $$
The most that a setting that is a number may be. NIST SP 800-63B-4 (read 2026-11-27) allows 100 failed log-ins in a row. The costs of a hash are
those that the check of identity.users allows: a log-in takes one, whoever has written it.
$$;
