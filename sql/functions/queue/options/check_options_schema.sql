create or replace function queue.check_options_schema(p_schema jsonb, p_at text default 'options_schema', p_level integer default 0)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_known constant text[] := array[
        'type', 'enum', 'const', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength', 'pattern',
        'format', 'items', 'minItems', 'maxItems', 'uniqueItems', 'properties', 'required', 'additionalProperties', 'anyOf',
        'title', 'description', 'default', 'examples'
    ];
    v_types constant jsonb := '["object", "array", "string", "integer", "number", "boolean", "null"]';
    v_most_levels constant integer := 16;
    v_most_bytes constant integer := 65536;
    v_key text;
    v_value jsonb;
    v_kind text;
    v_must text;
    v_part record;
begin
    if jsonb_typeof(p_schema) <> 'object' then
        raise exception '% must be an object, not %', p_at, left(p_schema::text, 60) using errcode = 'RQ008', hint = '{"type": "integer", "minimum": 1}';
    elsif p_level = 0 and octet_length(p_schema::text) > v_most_bytes then
        raise exception '% must have at most % bytes, not %', p_at, v_most_bytes, octet_length(p_schema::text)
            using errcode = 'RQ008', hint = 'Shorten its texts, or check a part of it in the handler.';
    elsif p_level > v_most_levels then
        raise exception '% must be at most % levels deep, not deeper', left(p_at, 100), v_most_levels
            using errcode = 'RQ008', hint = 'Leave inner parts open, {}, and check them in the handler.';
    end if;

    for v_key, v_value in select s.key, s.value from jsonb_each(p_schema) as s loop
        v_kind := jsonb_typeof(v_value);
        v_must := null;
        if v_key <> all(v_known) then  -- mutant: keywords that nobody knows are passed over
            raise exception '% must have known keywords only, not %', p_at, left(to_jsonb(v_key)::text, 60)
                using errcode = 'RQ008', hint = 'Known: ' || array_to_string(v_known, ', ') || '. What they cannot say is for the handler to check.';
        elsif p_level = 0 and v_key in ('enum', 'const', 'anyOf') then
            -- Whether empty job_data has to be looked at is told by `required` alone.
            raise exception '% must be of an object and its properties, not have %', p_at, v_key
                using errcode = 'RQ008', hint = 'Say it of a property.';
        elsif v_key = 'type' then
            if v_kind = 'array' and v_value <> '[]' and v_types @> v_value or v_kind = 'string' and v_types ? (v_value #>> '{}') then
                v_must := case when p_level = 0 and not v_value ? 'object' then 'object, as job_data is one' end;
            else
                v_must := 'one or a list of object, array, string, integer, number, boolean, null';
            end if;
        elsif v_key in ('enum', 'examples') then
            v_must := case when v_kind <> 'array' or v_value = '[]' then 'a list of values' end;
        elsif v_key in ('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum') then
            v_must := case when v_kind <> 'number' then 'a number' end;
        elsif v_key = 'multipleOf' then
            v_must := case when case when v_kind = 'number' then v_value::numeric <= 0 else true end then 'a number above 0' end;
        elsif v_key in ('minLength', 'maxLength', 'minItems', 'maxItems') then
            v_must := case when case when v_kind = 'number' then v_value::numeric < 0 or v_value::numeric <> trunc(v_value::numeric) else true end
                then 'a whole number, 0 or more' end;
        elsif v_key = 'uniqueItems' then
            v_must := case when v_kind <> 'boolean' then 'true or false' end;
        elsif v_key in ('title', 'description') then
            v_must := case when v_kind <> 'string' then 'a text' end;
        elsif v_key = 'format' then
            v_must := case when v_value not in ('"uuid"', '"date-time"', '"uri"') then 'uuid, date-time or uri' end;
        elsif v_key = 'pattern' then
            if v_kind = 'string' then
                perform queue.check_pattern(v_value #>> '{}', p_at || '.pattern');
            else
                v_must := 'a text';
            end if;
        elsif v_key = 'required' then
            if v_kind <> 'array' or jsonb_path_exists(v_value, 'strict $[*] ? (@.type() != "string")') then
                v_must := 'a list of names';
            elsif p_schema -> 'additionalProperties' = 'false' and exists (
                select from jsonb_array_elements_text(v_value) as r (name) where (p_schema -> 'properties' ? r.name) is not true
            ) then
                v_must := 'of names among its properties';
            end if;
        elsif v_key = 'additionalProperties' and v_kind = 'boolean' or v_key in ('const', 'default') then
            null;
        elsif v_key in ('items', 'additionalProperties') then
            perform queue.check_options_schema(v_value, p_at || '.' || v_key, p_level + 1);
        elsif v_key = 'properties' and v_kind = 'object' then
            for v_part in select p.key, p.value from jsonb_each(v_value) as p loop
                if length(v_part.key) not between 1 and 100 then
                    v_must := 'of names of 1 to 100 characters';
                end if;
                perform queue.check_options_schema(v_part.value, p_at || '.' || v_part.key, p_level + 1);
            end loop;
        elsif v_key = 'anyOf' and v_kind = 'array' and v_value <> '[]' then
            for v_part in select a.value, a.n from jsonb_array_elements(v_value) with ordinality as a (value, n) loop
                perform queue.check_options_schema(v_part.value, p_at || '.anyOf[' || v_part.n - 1 || ']', p_level + 1);
            end loop;
        else
            v_must := case v_key when 'properties' then 'an object of schemas' else 'a list of schemas' end;
        end if;
        if v_must is not null then
            raise exception '%.% must be %, not %', p_at, v_key, v_must, left(v_value::text, 60)
                using errcode = 'RQ008', hint = $re$\d+ queue.job_types says what options_schema holds.$re$;
        end if;
    end loop;
end;
$$;

comment on function queue.check_options_schema(jsonb, text, integer) is $$
Refuse a schema of options that is not of the part of JSON Schema which queue.job_types.options_schema describes: nothing in it is ever
passed over. At most 16 levels and 65536 bytes.

Arguments
  p_at  where it stands, for the sentence

Raises
  RQ008  an unknown keyword, or a value that a keyword does not take
$$;
