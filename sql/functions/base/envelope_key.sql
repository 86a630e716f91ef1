create or replace function base.envelope_key(p_sealed bytea)
returns text
language sql
immutable
strict
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    -- Not convert_from: an index must take whatever passed base.is_envelope.
    select encode(substr(p_sealed, 3, get_byte(p_sealed, 1)), 'escape');
$$;

comment on function base.envelope_key(bytea) is $$
The id of the key that an envelope is sealed under; see base.is_envelope. It is public. Null in, null out.

Each column of envelopes has an index by it, so that rows of one key are found without reading the table.
$$;
