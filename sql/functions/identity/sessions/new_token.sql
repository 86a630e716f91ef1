create or replace function identity.new_token(p_brand text)
returns text
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
    -- Each uuid has 122 bits of the server's strong random source; hashed, so that its fixed bits do not show.
    select p_brand || '_' || rtrim(translate(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64'), '+/', '-_'), '=');
$$;

comment on function identity.new_token(text) is $$
A token that nobody guesses: the brand, which scanners for secrets know it by, an underscore and 43 random characters.
$$;
