create or replace function ops.scrub_json(p_value jsonb, p_depth integer default 0)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_most constant integer := 2000;  -- characters of a value
    v_text text;
begin
    if p_value is null then
        return null;
    elsif p_depth > 0 and length(p_value::text) > v_most then
        v_text := p_value::text;
        -- What is cut may hold a secret half; so it is only told how much there was, but of a text.
        return to_jsonb(
            case when jsonb_typeof(p_value) = 'string' then left(ops.scrub_text(p_value #>> '{}'), 200) || ' … ' else '' end
            || format('(%s characters)', length(v_text))
        );
    elsif jsonb_typeof(p_value) = 'string' then
        return to_jsonb(ops.scrub_text(p_value #>> '{}'));
    elsif p_depth > 6 then
        return to_jsonb('(too deep)'::text);
    elsif jsonb_typeof(p_value) = 'object' then
        return coalesce((
            select jsonb_object_agg(e.key, case
                when e.key ~* '(password|passwd|secret|token|api_?key$|private_?key|recovery_?code|authorization)'
                    and jsonb_typeof(e.value) in ('string', 'object', 'array') and e.value <> '"(secret)"' then to_jsonb('(changed)'::text)  -- mutant: facts may hold secrets
                else ops.scrub_json(e.value, p_depth + 1)
            end)
            from (select key, value from jsonb_each(p_value) order by key limit 100) as e
        ), '{}');
    elsif jsonb_typeof(p_value) = 'array' then
        return coalesce((
            select jsonb_agg(ops.scrub_json(e.value, p_depth + 1) order by e.place)
            from jsonb_array_elements(p_value) with ordinality as e (value, place)
            where e.place <= 100
        ), '[]');
    end if;
    return p_value;
end;
$$;

comment on function ops.scrub_json(jsonb, integer) is $$
JSON as the audit may hold it: what is named as a secret is "(changed)", a password in a URL is hidden, values of more than 2,000 characters are
told by their length, and of lists and objects the first 100 are kept.
$$;
