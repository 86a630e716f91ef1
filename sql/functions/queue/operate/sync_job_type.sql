create or replace function queue.sync_job_type(
    p_job_type text,
    p_defaults jsonb,
    p_retry jsonb default '[]',
    p_options_schema jsonb default null,
    p_overwrite boolean default false
)
returns table (name text, old_value text, new_value text, action text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_known text[] := array[
        'description', 'priority', 'max_attempts', 'max_crashes', 'lease', 'time_limit', 'stall_limit', 'weight', 'needs', 'batch', 'limits',
        'requires'
    ];
    v_row queue.job_types;
    v_is_new boolean;
    v_now jsonb;
    v_want jsonb;
    v_write jsonb := '{}';
    v_key text;
    v_constraint text;
begin
    if jsonb_typeof(p_defaults) is distinct from 'object' or jsonb_typeof(p_options_schema) <> 'object' then
        raise exception 'defaults and options_schema of a job type must be JSON objects'
            using errcode = 'RQ008', hint = 'queue.sync_job_type(''shout'', ''{"description": "Shout.", "lease": "2 minutes"}'')';
    end if;
    select k into v_key from jsonb_object_keys(p_defaults) as k where k <> all(v_known) limit 1;
    if found then
        raise exception 'defaults of a job type must be of those known, not %', quote_literal(v_key) using errcode = 'RQ008', hint = 'Known: ' || array_to_string(v_known, ', ');
    end if;
    select k into v_key from unnest(array['needs', 'limits']) as k
    where p_defaults ? k and (jsonb_typeof(p_defaults -> k) <> 'array' or jsonb_path_exists(p_defaults -> k, 'strict $[*] ? (@.type() != "string")')) limit 1;
    if found then
        raise exception '% must be a list of words, not %', v_key, p_defaults -> v_key using errcode = 'RQ008', hint = '["gpu"]';
    end if;

    insert into queue.job_types (job_type, description) values (p_job_type, coalesce(p_defaults ->> 'description', p_job_type))
    on conflict (job_type) do nothing;
    v_is_new := found;
    -- Not for update: enqueues hold the key by their foreign keys, and would wait for this, or this for them.
    select * into strict v_row from queue.job_types as t where t.job_type = p_job_type
    for no key update;  -- mutant: a sync waits for enqueues
    -- Through the row's types and back, so that 2 minutes and 120 seconds are the same.
    v_now := to_jsonb(v_row);
    v_want := to_jsonb(jsonb_populate_record(v_row, p_defaults));

    foreach v_key in array v_known loop
        continue when not p_defaults ? v_key;
        name := v_key;
        old_value := case when v_is_new then null else v_now ->> v_key end;
        new_value := v_want ->> v_key;
        if v_is_new or v_now -> v_key is distinct from v_want -> v_key then
            -- What is not as the last sync left it was changed by hand, and stays.
            action := case
                when v_is_new then 'added'
                when p_overwrite or v_now -> v_key is not distinct from v_row.declared -> v_key then 'changed'  -- mutant: a sync takes what an operator changed
                else 'kept'
            end;
            v_write := v_write || case when action = 'kept' then '{}' else jsonb_build_object(v_key, v_want -> v_key) end;
            return next;
        end if;
    end loop;
    if v_row.options_schema is distinct from p_options_schema then
        name := 'options_schema';
        old_value := null;
        new_value := null;
        action := case when v_is_new then 'added' else 'changed' end;
        return next;
    end if;

    -- What is not declared this time stands as it was last declared, so that it is nobody's change when it is declared again.
    select coalesce(v_row.declared, '{}') || coalesce(jsonb_object_agg(k, v_want -> k), '{}') || jsonb_build_object(  -- mutant: a column left out is forgotten
        'retry', coalesce(v_row.declared -> 'retry', '{}') -- sync_retry_policies brings it up to date
    )
    into v_now from unnest(v_known) as k where p_defaults ? k;
    v_row := jsonb_populate_record(v_row, v_write);
    update queue.job_types as t
    set
        description = v_row.description, priority = v_row.priority, max_attempts = v_row.max_attempts,
        max_crashes = v_row.max_crashes, lease = v_row.lease, time_limit = v_row.time_limit, stall_limit = v_row.stall_limit,
        weight = v_row.weight, needs = v_row.needs, batch = v_row.batch, limits = v_row.limits, requires = v_row.requires,
        options_schema = p_options_schema, declared = v_now
    where
        t.job_type = p_job_type
        and (v_write <> '{}' or t.options_schema is distinct from p_options_schema or t.declared is distinct from v_now);
    return query select s.name, s.old_value, s.new_value, s.action from queue.sync_retry_policies(p_job_type, p_retry, p_overwrite) as s;
exception
    when check_violation or not_null_violation or data_exception then
        get stacked diagnostics v_constraint = constraint_name;
        raise exception 'job type %: %', quote_literal(left(p_job_type, 80)), coalesce(replace(nullif(v_constraint, ''), '_', ' '), sqlerrm)
            using errcode = 'RQ008', hint = $hint$Nothing was changed. \d+ queue.job_types shows what each column takes.$hint$;
end;
$$;

comment on function queue.sync_job_type(text, jsonb, jsonb, jsonb, boolean) is $$
Write what a program declares of a job type into queue.job_types and queue.retry_policies; again changes nothing. What an operator has
changed by hand since the last sync is kept. Returns a row for all that it added, changed, removed or kept.
  select * from queue.sync_job_type('shout', '{"description": "Shout.", "lease": "2 minutes"}');

Arguments
  p_defaults        columns of queue.job_types by name; a column that is left out stays as it is
  p_retry           rows of queue.retry_policies for this type: [{"error_class": "transient", "base": "5 seconds"}]
  p_options_schema  what job_data may hold, see queue.job_types.options_schema; always taken
  p_overwrite       write also what was changed by hand

Raises
  RQ008  an unknown column, or a value that it does not take
$$;
