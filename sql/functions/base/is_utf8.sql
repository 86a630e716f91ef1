create or replace function base.is_utf8(p_text text)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    perform convert_from(convert_to(p_text, 'SQL_ASCII'), 'UTF8');
    return true;
exception when character_not_in_repertoire or untranslatable_character then
    return false;
end;
$$;

comment on function base.is_utf8(text) is $$
Whether a text is UTF-8 (null: true). Only where the server's encoding is SQL_ASCII can it be something else: there a client may write any bytes, and
every session that speaks UTF-8, as workers do, is refused the whole answer in which they stand.
$$;
