create or replace function base.wrap_text(p_text text, p_indent integer, p_hang integer default 0)
returns setof text
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_width integer := 78; -- psql puts a space before it, and a terminal has 80 columns
    v_line text := '';
    v_word text;
    v_margin text := repeat(' ', p_indent);
begin
    -- Two spaces make a column, and hold what stands beside them together.
    foreach v_word in array regexp_split_to_array(btrim(p_text), '(?<! ) (?! )') loop
        if v_line <> '' and length(v_margin || v_line || ' ' || v_word) > v_width then
            return next v_margin || v_line;
            v_line := '';
            v_margin := repeat(' ', p_indent + p_hang);
        end if;
        v_line := concat_ws(' ', nullif(v_line, ''), v_word);
    end loop;
    return next v_margin || v_line;
end;
$$;

comment on function base.wrap_text(text, integer, integer) is $$
A text as lines that psql shows whole in a terminal of 80 columns.

Arguments
  p_indent  spaces before each line
  p_hang    so many more before the second and those that follow
$$;
