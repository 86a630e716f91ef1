create or replace function identity.whole_number_refusal(p_name text, p_value jsonb, p_least integer, p_most integer)
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_typeof(p_value) = 'number' and p_value::numeric between p_least and p_most and p_value::numeric = trunc(p_value::numeric) then
        return null;
    end if;
    return array[
        format('%s must be a whole number from %s to %s, not %s', p_name, p_least, p_most, left(coalesce(p_value::text, 'null'), 80)), 'A number without quotes.'
    ];
end;
$$;

comment on function identity.whole_number_refusal(text, jsonb, integer, integer) is $$
Why a JSON value is no whole number within bounds, {sentence, hint}; null: it is.
$$;
