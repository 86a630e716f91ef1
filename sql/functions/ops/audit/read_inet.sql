create or replace function ops.read_inet(p_text text)
returns inet
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return nullif(p_text, '')::inet;
exception when data_exception then
    return null;
end;
$$;

comment on function ops.read_inet(text) is $$
An address from a text; null for what is none.
$$;
