create or replace function queue.cut_text(p_text text, p_most integer)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_length constant integer := length(p_text);
    v_mark text;
begin
    if v_length <= p_most or p_text is null then
        return p_text;
    end if;
    v_mark := format(E'… (%s characters in all, of which these are the last)\n', v_length);
    return v_mark || right(p_text, p_most - length(v_mark));  -- mutant: a stack of any length
end;
$$;

comment on function queue.cut_text(text, integer) is $$
A text of so many characters at most: of a longer one the end, where programs say what went wrong, after a line that says that it was cut.
$$;
