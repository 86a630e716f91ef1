create or replace function ops.set_flag(p_name text, p_facts jsonb)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_known constant text[] := '{description,enabled,rollout_percentage,rollout_by,user_rules,tenant_rules,segment_rules}';
    v_key text;
    v_told text;
    v_constraint text;
begin
    perform base.check_operator();
    if p_facts is null or jsonb_typeof(p_facts) <> 'object' then
        raise exception 'facts must be a JSON object, not %', coalesce(jsonb_typeof(p_facts), 'null')
            using errcode = 'RQ008', hint = 'Such as {"enabled": true, "rollout_percentage": 10}; what is left out stays as it is.';
    end if;
    for v_key in select k.key from jsonb_object_keys(p_facts) as k (key) where k.key <> all(v_known) order by k.key loop
        raise exception 'a flag has no %', quote_literal(left(v_key, 80)) using errcode = 'RQ008', hint = 'Known: ' || array_to_string(v_known, ', ');
    end loop;
    for v_key in select k.key from jsonb_each(p_facts) as k where k.value = 'null' order by k.key loop
        raise exception '% must be a value, not null', v_key using errcode = 'RQ008', hint = 'What is left out stays as it is.';
    end loop;
    foreach v_key in array array['user', 'tenant', 'segment'] loop
        if p_facts ? (v_key || '_rules') then
            v_told := base.flag_rules_refusal(v_key, p_facts -> (v_key || '_rules'));
            if v_told is not null then
                raise exception '%', v_told using errcode = 'RQ008', hint = 'As [{"tier": ["premium"], "percentage": 50}]; ids as [{"id": "…", "on": true}].';
            end if;
        end if;
    end loop;

    insert into ops.feature_flags as f (name, description, enabled, rollout_percentage, rollout_by, user_rules, tenant_rules, segment_rules)
    values (
        p_name, coalesce(p_facts ->> 'description', ''), coalesce((p_facts ->> 'enabled')::boolean, false), coalesce((p_facts ->> 'rollout_percentage')::numeric, 0),
        coalesce(p_facts ->> 'rollout_by', 'tenant'), coalesce(p_facts -> 'user_rules', '[]'), coalesce(p_facts -> 'tenant_rules', '[]'),
        coalesce(p_facts -> 'segment_rules', '[]')
    )
    on conflict (name) do update set
        description = coalesce(p_facts ->> 'description', f.description),
        enabled = coalesce((p_facts ->> 'enabled')::boolean, f.enabled),
        rollout_percentage = coalesce((p_facts ->> 'rollout_percentage')::numeric, f.rollout_percentage),
        rollout_by = coalesce(p_facts ->> 'rollout_by', f.rollout_by),
        user_rules = coalesce(p_facts -> 'user_rules', f.user_rules),
        tenant_rules = coalesce(p_facts -> 'tenant_rules', f.tenant_rules),
        segment_rules = coalesce(p_facts -> 'segment_rules', f.segment_rules);
exception
    when check_violation or not_null_violation then
        get stacked diagnostics v_constraint = constraint_name;
        raise exception 'the flag % cannot be: %', coalesce(quote_literal(left(p_name, 80)), 'null'), coalesce(nullif(replace(v_constraint, '_', ' '), ''), sqlerrm)
            using errcode = 'RQ008', hint = 'The name is words with dots, as ladder.better_compression; a percentage 0 to 100; rollout_by tenant or user.';
    when data_exception then
        raise exception 'a value must be of its type: %', sqlerrm
            using errcode = 'RQ008', hint = 'enabled is true or false, rollout_percentage a number from 0 to 100.';
end;
$$;

comment on function ops.set_flag(text, jsonb) is $$
Make or change a flag; what is left out stays as it is. Workers see it with the next job. Audited. For operators.
  select ops.set_flag('ladder.better_compression', '{"enabled": true, "rollout_percentage": 5}');

Arguments
  p_facts  description, enabled, rollout_percentage (0 to 100), rollout_by (tenant, user), user_rules, tenant_rules, segment_rules: see the columns

Raises
  42501  the caller acts for a tenant
  RQ008  an unknown key, or a name or value that cannot be
$$;
