create or replace function queue.options_path(p_schema jsonb, p_at text default '$')
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    never constant text := '(1 == 0)';
    v_most_words constant integer := 100;  -- of an "or": it is read by a function that calls itself
    v_all text[] := '{}';  -- what has to hold, each of it true or false and never unknown, so that it may stand after a "not"
    v_some text[];
    v_key text;
    v_item jsonb;
begin
    if p_schema ? 'type' then
        select array_agg(case t.name when 'integer' then format('(%1$s.type() == "number" && %1$s %% 1 == 0)', p_at) else format('%s.type() == "%s"', p_at, t.name) end)
        into v_some
        from jsonb_array_elements_text(case jsonb_typeof(p_schema -> 'type') when 'array' then p_schema -> 'type' else jsonb_build_array(p_schema -> 'type') end) as t (name);
        v_all := v_all || format('(%s)', array_to_string(v_some, ' || '));
    end if;
    foreach v_item in array array_remove(array[p_schema -> 'enum', jsonb_build_array(p_schema -> 'const')], null) loop
        continue when v_item = '[null]' and not p_schema ? 'const';
        select array_agg(format('(%1$s.type() == "%2$s" && %1$s == %3$s)', p_at, jsonb_typeof(e), e)) into v_some
        from jsonb_array_elements(v_item) as e where jsonb_typeof(e) not in ('object', 'array');
        v_all := v_all || case when cardinality(v_some) <= v_most_words then format('(%s)', array_to_string(v_some, ' || ')) else never end;
    end loop;

    select array_agg(format('%s %s %s', p_at, k.operator, p_schema -> k.keyword)) into v_some
    from (values ('minimum', '>='), ('maximum', '<='), ('exclusiveMinimum', '>'), ('exclusiveMaximum', '<')) as k (keyword, operator)
    where p_schema ? k.keyword;
    if p_schema ? 'multipleOf' then
        v_some := v_some || format('%s %% %s == 0', p_at, p_schema -> 'multipleOf');
    end if;
    if v_some is not null then
        v_all := v_all || format('(%s.type() != "number" || (%s))', p_at, array_to_string(v_some, ' && '));
    end if;

    v_some := null;
    if p_schema ?| array['minLength', 'maxLength'] then
        -- A repeat counts to 255 at most: what is longer is left to queue.find_option_mistake.
        v_some := v_some || case
            when coalesce((p_schema -> 'minLength')::numeric, 0) > least((p_schema -> 'maxLength')::numeric, 255) then never
            else format('%s like_regex "^.{', p_at) || coalesce((p_schema -> 'minLength')::numeric::integer, 0)
                || ',' || least((p_schema -> 'maxLength')::numeric, 255)::integer || '}$" flag "s"'
        end;
    end if;
    if p_schema ? 'pattern' then
        v_some := v_some || format('%s like_regex %s flag "s"', p_at, p_schema -> 'pattern');
    end if;
    if p_schema ? 'format' then
        v_some := v_some || case p_schema ->> 'format'
            when 'uuid' then p_at || ' like_regex "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"'
            else never
        end;
    end if;
    if v_some is not null then
        v_all := v_all || format('(%s.type() != "string" || (%s))', p_at, array_to_string(v_some, ' && '));
    end if;

    v_some := null;
    if p_schema ? 'minItems' then
        v_some := v_some || format('%s.size() >= %s', p_at, p_schema -> 'minItems');
    end if;
    if p_schema ? 'maxItems' then
        v_some := v_some || format('%s.size() <= %s', p_at, p_schema -> 'maxItems');
    end if;
    if p_schema @> '{"uniqueItems": true}' then
        v_some := v_some || format('%s.size() <= 1', p_at);
    end if;
    if p_schema ? 'items' then
        v_some := v_some || format('!exists(%s[*] ? (!(%s)))', p_at, queue.options_path(p_schema -> 'items', '@'));
    end if;
    if v_some is not null then
        v_all := v_all || format('(%s.type() != "array" || (%s))', p_at, array_to_string(v_some, ' && '));
    end if;

    if p_schema ?| array['properties', 'additionalProperties', 'required'] then
        v_some := null;
        for v_key, v_item in select p.key, p.value from jsonb_each(p_schema -> 'properties') as p loop
            v_some := v_some || format('(@.key == %s && %s)', to_jsonb(v_key), queue.options_path(v_item, '@.value'));
        end loop;
        if coalesce(p_schema -> 'additionalProperties', 'true') <> 'false' then  -- mutant: an unknown option in a path
            v_some := v_some || format('(%s)', array_to_string(
                array(select format('@.key != %s', to_jsonb(k)) from jsonb_object_keys(p_schema -> 'properties') as k)
                || case when jsonb_typeof(p_schema -> 'additionalProperties') = 'object'
                    then queue.options_path(p_schema -> 'additionalProperties', '@.value') else '(1 == 1)' end,
                ' && '
            ));
        end if;
        v_some := array[
            case when cardinality(v_some) > v_most_words then never
                else format('!exists(%s.keyvalue() ? (!(%s)))', p_at, coalesce(array_to_string(v_some, ' || '), never)) end
        ];
        for v_key in select r.name from jsonb_array_elements_text(p_schema -> 'required') as r (name) limit v_most_words loop
            v_some := v_some || format('exists(%s.keyvalue() ? (@.key == %s))', p_at, to_jsonb(v_key));
        end loop;
        if jsonb_array_length(p_schema -> 'required') > v_most_words then
            v_some := v_some || never;
        end if;
        v_all := v_all || format('(%s.type() != "object" || (%s))', p_at, array_to_string(v_some, ' && '));
    end if;

    if p_schema ? 'anyOf' then
        select array_agg(queue.options_path(s.one, p_at)) into v_some from jsonb_array_elements(p_schema -> 'anyOf') as s (one);
        v_all := v_all || case when cardinality(v_some) <= v_most_words then format('(%s)', array_to_string(v_some, ' || ')) else never end;
    end if;
    return case when v_all = '{}' then '(1 == 1)' else format('(%s)', array_to_string(v_all, ' && ')) end;
end;
$$;

comment on function queue.options_path(jsonb, text) is $$
A condition of SQL/JSON path that holds only for values which a schema of options takes: ('strict ' || it)::jsonpath is asked first, as it
takes a microsecond or two. Where it does not hold, queue.find_option_mistake has the last word: what a path cannot say (long texts, times, uniqueItems,
hundreds of words) never holds.

Arguments
  p_schema  one that queue.check_options_schema takes
  p_at      the path of the value within its condition
$$;
