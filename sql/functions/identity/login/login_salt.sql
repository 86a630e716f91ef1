create or replace function identity.login_salt(p_email text)
returns bytea
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select sha256(s.secret || convert_to(coalesce(lower(p_email), ''), 'UTF8')) from identity.login_salts as s;
$$;

comment on function identity.login_salt(text) is $$
32 bytes for the salt of an account that is not there: for one address always the same, as a real account's are.
$$;
