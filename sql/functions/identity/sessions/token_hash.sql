create or replace function identity.token_hash(p_token text)
returns bytea
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select sha256(convert_to(left(p_token, 200), 'UTF8'));
$$;

comment on function identity.token_hash(text) is $$
What is kept of a token. Of more than 200 characters, which no token has, the first ones.
$$;
