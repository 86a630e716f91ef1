create or replace function base.weights_refusal(p_weights jsonb)
returns text
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_weight record;
    v_sum numeric := 0;
begin
    if p_weights is null or jsonb_typeof(p_weights) <> 'object' then
        return format('weights must be a JSON object, not %s', coalesce(jsonb_typeof(p_weights), 'null'));
    end if;
    if (select count(*) from jsonb_object_keys(p_weights)) > 50 then
        return 'weights must be 50 or fewer';
    end if;
    for v_weight in select w.key, w.value from jsonb_each(p_weights) as w order by w.key loop
        if length(v_weight.key) not between 1 and 50 then
            return format('a weight must have a name of 1 to 50 characters, not %s', quote_literal(left(v_weight.key, 80)));
        end if;
        if jsonb_typeof(v_weight.value) <> 'number' or v_weight.value::numeric not between 0 and 1 then
            return format('weight %s must be a number from 0 to 1, not %s', quote_literal(v_weight.key), left(v_weight.value::text, 80));
        end if;
        v_sum := v_sum + v_weight.value::numeric;
    end loop;
    if v_sum <> 1 then  -- mutant: weights sum to anything
        return format('weights must sum to exactly 1, not %s', left(trim_scale(v_sum)::text, 80));
    end if;
    return null;
end;
$$;

comment on function base.weights_refusal(jsonb) is $$
Why a JSON object cannot be weights, in one sentence; null: it can. Up to 50 names, each with a number from 0 to 1, and all of them sum to
exactly 1. For a CHECK, and for whoever wants to say why.
$$;
