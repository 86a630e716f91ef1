create or replace function identity.argon2_parameters()
returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select format(
        '$argon2id$v=19$m=%s,t=%s,p=%s',
        identity.login_setting('argon2_memory_kib'), identity.login_setting('argon2_passes'), identity.login_setting('argon2_lanes')
    );
$$;

comment on function identity.argon2_parameters() is $$
How a password is hashed now, as the beginning of its hash: $argon2id$v=19$m=19456,t=2,p=1. Salt and digest follow.
$$;
