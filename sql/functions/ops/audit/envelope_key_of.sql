create or replace function ops.envelope_key_of(p_text text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when p_text ~ '^\\x([0-9a-f]{2})+$' then base.envelope_key(p_text::bytea) end;
$$;

comment on function ops.envelope_key_of(text) is $$
Part of ops.tg_audit: under which key an envelope is sealed, given as the text of a bytea; null for anything else.
$$;
