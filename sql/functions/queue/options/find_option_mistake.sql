create or replace function queue.find_option_mistake(p_schema jsonb, p_value jsonb, p_at text)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_type text := jsonb_typeof(p_value);
    v_at text := case p_at when '' then 'job_data' else p_at end;
    v_shown text;
    v_must text;
    v_found text[];
    v_one text[];
    v_number numeric;
    v_text text;
    v_count integer;
    v_key text;
    v_item jsonb;
    v_known text[];
    v_path jsonpath;  -- takes most of many values, quickly
    v_others jsonb := p_schema -> 'additionalProperties';
begin
    if p_schema ? 'type' and not (
        p_schema -> 'type' ? v_type
        or (v_type = 'number' and p_schema -> 'type' ? 'integer' and trunc(p_value::numeric) = p_value::numeric)
    ) then
        v_must := 'be ' || queue.spell_type(p_schema);
    -- What contains an object may hold more: of objects and lists each is compared.
    elsif p_schema ? 'enum' and (
        not p_schema -> 'enum' @> jsonb_build_array(p_value)
        or (v_type in ('object', 'array') and not exists (select from jsonb_array_elements(p_schema -> 'enum') as e where e = p_value))
    ) then
        v_must := 'be one of ' || (
            select string_agg(coalesce(e #>> '{}', 'null'), ', ' order by n) filter (where n <= 20) || case when max(n) > 20 then ', …' else '' end
            from jsonb_array_elements(p_schema -> 'enum') with ordinality as v (e, n)
        );
    elsif p_schema ? 'const' and p_value <> p_schema -> 'const' then
        v_must := 'be ' || left((p_schema -> 'const')::text, 60);
    elsif v_type = 'number' then
        v_number := p_value::numeric;
        if
            v_number < (p_schema -> 'minimum')::numeric or v_number > (p_schema -> 'maximum')::numeric
            or v_number <= (p_schema -> 'exclusiveMinimum')::numeric or v_number >= (p_schema -> 'exclusiveMaximum')::numeric
        then
            v_must := 'be ' || queue.spell_bounds(
                p_schema -> 'minimum', p_schema -> 'maximum', p_schema -> 'exclusiveMinimum', p_schema -> 'exclusiveMaximum'
            );
        elsif p_schema ? 'multipleOf' and mod(v_number, (p_schema -> 'multipleOf')::numeric) <> 0 then
            v_must := 'be a multiple of ' || (p_schema -> 'multipleOf')::text;
        end if;
    elsif v_type = 'string' then
        v_text := p_value #>> '{}';
        if p_schema ?| array['minLength', 'maxLength'] then
            v_count := length(v_text);
            if v_count < (p_schema -> 'minLength')::numeric or v_count > (p_schema -> 'maxLength')::numeric then
                v_must := 'have ' || queue.spell_bounds(p_schema -> 'minLength', p_schema -> 'maxLength') || ' characters';
                v_shown := v_count;
            end if;
        end if;
        if v_must is null and p_schema ? 'format' and not queue.has_format(v_text, p_schema ->> 'format') then
            v_must := 'be ' || case p_schema ->> 'format'
                when 'uuid' then 'a UUID, as 01976b1e-5a3c-7d4e-8f00-0123456789ab'
                when 'date-time' then 'a time with its offset, as 2030-01-31T20:00:00Z'
                else 'an absolute URL, as https://host/path'
            end;
        elsif v_must is null and p_schema ? 'pattern' and v_text !~ (p_schema ->> 'pattern') collate "C" then
            v_must := coalesce('be ' || (p_schema ->> 'title'), 'match ' || (p_schema ->> 'pattern'));
        end if;
    elsif v_type = 'array' then
        v_count := jsonb_array_length(p_value);
        if v_count < (p_schema -> 'minItems')::numeric or v_count > (p_schema -> 'maxItems')::numeric then
            v_must := 'have ' || queue.spell_bounds(p_schema -> 'minItems', p_schema -> 'maxItems') || ' items';
            v_shown := v_count;
        elsif p_schema @> '{"uniqueItems": true}' and v_count <> (select count(distinct e) from jsonb_array_elements(p_value) as e) then
            v_must := 'hold each item once';
        elsif p_schema ? 'items' and p_schema -> 'items' <> '{}' then
            v_path := ('strict ' || queue.options_path(p_schema -> 'items'))::jsonpath;
            for v_item, v_count in
                select e.item, e.n - 1 from jsonb_array_elements(p_value) with ordinality as e (item, n) where (e.item @@ v_path) is not true
            loop
                v_found := queue.find_option_mistake(p_schema -> 'items', v_item, p_at || '[' || v_count || ']');
                if v_found is not null then
                    return v_found;
                end if;
            end loop;
        end if;
    elsif v_type = 'object' and p_schema ?| array['properties', 'additionalProperties', 'required'] then
        if jsonb_typeof(v_others) = 'object' then
            v_path := ('strict ' || queue.options_path(v_others))::jsonpath;
        end if;
        for v_key, v_item in
            select e.key, e.value from jsonb_each(p_value) as e
            where p_schema -> 'properties' ? e.key or v_others = 'false' or (jsonb_typeof(v_others) = 'object' and (e.value @@ v_path) is not true)
        loop
            v_text := case when v_key ~ '^[A-Za-z_][A-Za-z0-9_-]{0,62}$' then v_key else left(to_jsonb(v_key)::text, 60) end;
            v_text := case p_at when '' then v_text else p_at || '.' || v_text end;
            if p_schema -> 'properties' ? v_key then
                v_found := queue.find_option_mistake(p_schema -> 'properties' -> v_key, v_item, v_text);
            elsif v_others = 'false' then
                v_known := array(select k from jsonb_object_keys(p_schema -> 'properties') as k order by k);
                return array[
                    format('unknown option %s', v_text) || coalesce('; did you mean ' || queue.nearest_word(v_key, v_known) || '?', ''),
                    case when v_known = '{}' then 'There are none.' else 'Known: ' || array_to_string(v_known, ', ') || '.' end
                ];
            else
                v_found := queue.find_option_mistake(v_others, v_item, v_text);
            end if;
            if v_found is not null then
                return v_found;
            end if;
        end loop;
        select r.name into v_key from jsonb_array_elements_text(p_schema -> 'required') as r (name) where not p_value ? r.name limit 1;
        if found then
            return array[format('option %s must be given', case p_at when '' then v_key else p_at || '.' || v_key end), ''];
        end if;
    end if;

    if v_must is null and p_schema ? 'anyOf' then
        for v_item in select s.one from jsonb_array_elements(p_schema -> 'anyOf') as s (one) loop
            v_one := queue.find_option_mistake(v_item, p_value, p_at);
            if v_one is null then
                return null;
            end if;
            -- What is told is the mistake of the first one that is of the value's type.
            if v_found is null and (v_item -> 'type' ? v_type or (v_type = 'number' and v_item -> 'type' ? 'integer')) then
                v_found := v_one;
            end if;
        end loop;
        if v_found is not null then
            return v_found;
        end if;
        v_must := 'be ' || queue.spell_type(p_schema);
    end if;

    if v_must is null then
        return null;
    end if;
    v_shown := coalesce(v_shown, p_value::text);
    return array[
        format('%s must %s, not %s', v_at, v_must, case when length(v_shown) > 60 then left(v_shown, 59) || '…' else v_shown end), ''
    ];
end;
$$;

comment on function queue.find_option_mistake(jsonb, jsonb, text) is $$
What is wrong with a value by a schema of options (queue.job_types.options_schema says what such a schema holds): the sentence and a
hint, which may be empty. Null: nothing is. The first mistake is told.

Arguments
  p_schema  one that queue.check_options_schema takes
  p_at      where the value stands, as ladder.crf; empty: it is job_data itself
$$;
