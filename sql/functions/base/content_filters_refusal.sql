create or replace function base.content_filters_refusal(p_filters jsonb)
returns text[]
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text;
    v_value jsonb;
    v_word text;
    v_known constant text := 'Known: max_maturity (general, teen or mature), excluded_categories (a list of names), geo_allowed (a list of country codes).';
begin
    if p_filters is null or jsonb_typeof(p_filters) <> 'object' then
        return array[format('content_filters must be a JSON object, not %s', coalesce(jsonb_typeof(p_filters), 'null')), v_known];
    end if;
    for v_key, v_value in select f.key, f.value from jsonb_each(p_filters) as f order by f.key loop
        if v_key = 'max_maturity' then
            if jsonb_typeof(v_value) <> 'string' or v_value #>> '{}' not in ('general', 'teen', 'mature') then
                return array[format('max_maturity must be general, teen or mature, not %s', left(v_value::text, 80)), v_known];
            end if;
        elsif v_key in ('excluded_categories', 'geo_allowed') then
            if jsonb_typeof(v_value) <> 'array' then
                return array[format('%s must be a JSON list, not %s', v_key, jsonb_typeof(v_value)), v_known];
            end if;
            if jsonb_array_length(v_value) > 500 then
                return array[format('%s must have 500 members or fewer', v_key), v_known];
            end if;
            for v_value in select e.value from jsonb_array_elements(v_value) as e loop
                v_word := case when jsonb_typeof(v_value) = 'string' then v_value #>> '{}' end;
                if v_key = 'excluded_categories' and coalesce(length(v_word) not between 1 and 100, true) then
                    return array[
                        format('a category of excluded_categories must be a name of 1 to 100 characters, not %s', left(v_value::text, 80)), v_known
                    ];
                elsif v_key = 'geo_allowed' and not coalesce(base.is_country(v_word), false) then
                    return array[
                        format('a country of geo_allowed must be a code of ISO 3166-1, two capital letters, not %s', left(v_value::text, 80)),
                        case upper(v_word)
                            when 'UK' then 'The United Kingdom is GB.'
                            when 'EN' then 'Great Britain is GB; en is a language.'
                            else case
                                when base.is_country(upper(v_word)) then format('Write it %s.', upper(v_word))
                                else 'Such as US, CA, GB: https://www.iso.org/obp/ui/#search'
                            end
                        end
                    ];
                end if;
            end loop;
        else
            return array[format('content_filters has no key %s', quote_literal(left(v_key, 80))), v_known];
        end if;
    end loop;
    return null;
end;
$$;

comment on function base.content_filters_refusal(jsonb) is $$
Why a JSON object cannot be the content filters of a tenant, {sentence, hint}; null: it can. For a CHECK, and for whoever wants to say why.

  {"max_maturity": "teen", "excluded_categories": ["horror"], "geo_allowed": ["US", "CA", "GB"]}
$$;
