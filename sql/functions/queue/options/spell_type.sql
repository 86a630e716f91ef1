create or replace function queue.spell_type(p_schema jsonb)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
select string_agg(distinct coalesce(w.word, 'something else'), ' or ')
from jsonb_array_elements(coalesce(p_schema -> 'anyOf', jsonb_build_array(p_schema))) as s (one)
cross join lateral jsonb_array_elements_text(
    case jsonb_typeof(s.one -> 'type') when 'array' then s.one -> 'type' else jsonb_build_array(s.one -> 'type') end
) as t (name)
left join (
    values
    ('object', 'an object'), ('array', 'a list'), ('string', 'a text'), ('integer', 'a whole number'), ('number', 'a number'),
    ('boolean', 'true or false'), ('null', 'null')
) as w (name, word) on w.name = t.name;
$$;

comment on function queue.spell_type(jsonb) is $$
The types that a schema of options allows, in words: "a list or a text or null".
$$;
