create or replace function ops.fill_text(p_text text, p_values jsonb, p_most integer)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- In one pass: what stands in a value is no place to be filled.
    return left(trim(regexp_replace(
        (
            select string_agg(coalesce(p_values ->> part.found[1], part.found[2], ''), '' order by part.place)
            from regexp_matches(p_text, $re$\{([a-z0-9_]+)\}|([^{]+|\{)$re$, 'g') with ordinality as part (found, place)
        ),
        '[[:cntrl:][:space:]]+', ' ', 'g'
    )), p_most);
end;
$$;

comment on function ops.fill_text(text, jsonb, integer) is $$
A text of ops.event_types with {name} replaced by what values have under name (nothing where they have none), as one line of at most p_most characters. Null in, null out.
$$;
