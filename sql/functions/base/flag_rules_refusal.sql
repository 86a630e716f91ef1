create or replace function base.flag_rules_refusal(p_kind text, p_rules jsonb)
returns text
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_uuid constant text := '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
    v_rule jsonb;
    v_key text;
    v_value jsonb;
begin
    if p_rules is null or jsonb_typeof(p_rules) <> 'array' then
        return format('%s_rules must be a JSON list, not %s', p_kind, coalesce(jsonb_typeof(p_rules), 'null'));
    end if;
    if jsonb_array_length(p_rules) > 1000 then
        return format('%s_rules must have 1,000 members or fewer', p_kind);
    end if;
    for v_rule in select r.value from jsonb_array_elements(p_rules) as r loop
        if p_kind <> 'segment' then
            if jsonb_typeof(v_rule) = 'string' then
                v_rule := jsonb_build_object('id', v_rule);
            end if;
            if jsonb_typeof(v_rule) <> 'object' or coalesce(v_rule ->> 'id' !~ v_uuid, true)
                or jsonb_typeof(coalesce(v_rule -> 'on', 'true')) <> 'boolean' or v_rule - 'id' - 'on' <> '{}'
            then
                return format('a rule of %s_rules must be an id, or {"id", "on"}, not %s', p_kind, left(v_rule::text, 120));
            end if;
            continue;
        end if;
        if jsonb_typeof(v_rule) <> 'object' then
            return format('a rule of segment_rules must be a JSON object, not %s', left(v_rule::text, 80));
        end if;
        for v_key, v_value in select f.key, f.value from jsonb_each(v_rule) as f order by f.key loop
            if v_key = 'on' then
                if jsonb_typeof(v_value) <> 'boolean' then
                    return format('on must be true or false, not %s', left(v_value::text, 80));
                end if;
            elsif v_key = 'percentage' then
                if jsonb_typeof(v_value) <> 'number' or v_value::numeric not between 0 and 100 then
                    return format('percentage must be a number from 0 to 100, not %s', left(v_value::text, 80));
                end if;
            elsif v_key in ('tier', 'plan', 'role', 'language') then
                if jsonb_typeof(v_value) <> 'array' or exists (
                    select from jsonb_array_elements(v_value) as w where jsonb_typeof(w.value) <> 'string'
                ) then
                    return format('%s must be a JSON list of words, not %s', v_key, left(v_value::text, 80));
                end if;
            else
                return format('a rule of segment_rules has no key %s; known: tier, plan, role, language, on, percentage', quote_literal(left(v_key, 80)));
            end if;
        end loop;
    end loop;
    return null;
end;
$$;

comment on function base.flag_rules_refusal(text, jsonb) is $$
Why a JSON value cannot be rules of a flag (ops.feature_flags), in one sentence; null: it can. For its CHECKs, and for whoever wants to say why.

Arguments
  p_kind  user, tenant or segment
$$;
