create or replace function base.config_amount(p_value_type text, p_value jsonb)
returns numeric
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_word text := p_value #>> '{}';
    v_found text[];
begin
    if p_value_type in ('integer', 'number') then
        return case when jsonb_typeof(p_value) = 'number' then p_value::numeric end;
    end if;
    if jsonb_typeof(p_value) <> 'string' then
        return null;
    end if;
    case p_value_type
        when 'text' then
            return length(v_word);
        when 'duration' then
            v_found := regexp_match(v_word, $re$^([0-9]{1,9}(?:\.[0-9]{1,6})?)([smhd])\Z$re$);
            return v_found[1]::numeric * case v_found[2] when 's' then 1 when 'm' then 60 when 'h' then 3600 when 'd' then 86400 end;
        when 'size' then
            v_found := regexp_match(v_word, $re$^([0-9]{1,15}(?:\.[0-9]{1,6})?)([kmgt]?)(i?)b?\Z$re$, 'i');
            return case when v_found[3] = '' or v_found[2] <> '' then trunc(
                v_found[1]::numeric * (case when v_found[3] = '' then 1000 else 1024 end::numeric) ^ (strpos('kmgt', lower(v_found[2])) * (v_found[2] <> '')::integer)
            ) end;
        else
            return null;
    end case;
end;
$$;

comment on function base.config_amount(text, jsonb) is $$
How much a value of ops.system_config is: a number itself, a duration in seconds, a size in bytes, a text in characters. Null: of its type
it has none, or it is not of that type. Durations and sizes are spelt as in the environment of a worker (worker/settings.py).
$$;
