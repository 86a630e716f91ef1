create or replace function base.config_refusal(p_value_type text, p_min_value numeric, p_max_value numeric, p_choices text[], p_value jsonb)
returns text
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_amount numeric := base.config_amount(p_value_type, p_value);
    v_kind text := case p_value_type
        when 'boolean' then 'true or false'
        when 'integer' then 'a whole number'
        when 'number' then 'a number'
        when 'text' then 'a text'
        when 'duration' then 'a time such as "90s", "15m", "1h" or "2d"'
        when 'size' then 'a size such as "500MB" or "2GiB"'
        else 'JSON'
    end;
    v_bounds text := '';
begin
    if p_value is null then
        return null;
    end if;
    if p_value_type = 'secret' then
        return 'a secret must be sealed, and not stand in a value';
    end if;
    if p_choices is not null then
        return case
            when jsonb_typeof(p_value) <> 'string' or p_value #>> '{}' <> all(p_choices)
                then format('must be one of %s, not %s', array_to_string(p_choices, ', '), left(p_value::text, 80))
        end;
    end if;
    if p_value_type = 'json' then
        return case when length(p_value::text) > 100000 then 'must be JSON of 100,000 characters or fewer' end;
    end if;
    if p_value_type = 'boolean' then
        return case when jsonb_typeof(p_value) <> 'boolean' then format('must be true or false, not %s', left(p_value::text, 80)) end;
    end if;
    if p_min_value is not null or p_max_value is not null then
        v_bounds := case
            when p_min_value is null then format(' up to %s', p_max_value)
            when p_max_value is null then format(' from %s', p_min_value)
            else format(' from %s to %s', p_min_value, p_max_value)
        end || case p_value_type when 'duration' then ' seconds' when 'size' then ' bytes' when 'text' then ' characters' else '' end;
    end if;
    if v_amount is null or v_amount < p_min_value or v_amount > p_max_value  -- mutant: a setting has no bounds
        or (p_value_type = 'integer' and v_amount <> trunc(v_amount)) or (p_value_type = 'text' and v_amount > 10000)
    then
        return format('must be %s%s, not %s', v_kind, v_bounds, left(p_value::text, 80));
    end if;
    return null;
end;
$$;

comment on function base.config_refusal(text, numeric, numeric, text[], jsonb) is $$
Why a JSON value cannot be that of a key of ops.system_config, as the end of a sentence; null: it can, as nothing at all can. For its CHECK, and for
whoever wants to say why.

Arguments
  p_value_type     boolean, integer, number, text, duration, size, json, secret
  p_min_value, p_max_value  the bounds: of a number, of seconds, of bytes, of characters; null: none
  p_choices        the words that a text may be; null: any
$$;
