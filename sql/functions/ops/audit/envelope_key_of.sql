create or replace function ops.envelope_key_of(p_text text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    -- The text of bytea that is no envelope, such as a hash, has no key; other text is never read as bytea.
    select case when left(p_text, 2) = $hex$\x$hex$ then case when base.is_envelope(p_text::bytea) then base.envelope_key(p_text::bytea) end end;
$$;

comment on function ops.envelope_key_of(text) is $$
Part of ops.tg_audit: under which key an envelope is sealed, given as the text of a bytea; null for anything else.
$$;
