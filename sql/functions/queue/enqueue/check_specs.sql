create or replace function queue.check_specs(p_specs jsonb)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_known text[] := array[
        'ref', 'job_type', 'video_id', 'asset_id', 'tenant_id', 'user_id', 'job_data', 'priority', 'scheduled_for', 'depends_on',
        'on_parent_failure', 'idempotency_key', 'max_attempts', 'limits', 'channel_id', 'pipeline_run', 'pipeline_step'
    ];
    v_place bigint;
    v_word text;
begin
    if p_specs is null or jsonb_typeof(p_specs) <> 'array' then
        raise exception 'specs must be a JSON array of objects, not %', coalesce(jsonb_typeof(p_specs), 'null')
            using errcode = 'RQ008', hint = '[{"job_type": "no_op", "ref": "a"}, {"job_type": "no_op", "depends_on": ["a"]}]';
    end if;
    select s.n into v_place from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
    where
        jsonb_typeof(s.spec) <> 'object' or jsonb_typeof(s.spec -> 'depends_on') not in ('array', 'null')
        or jsonb_typeof(s.spec -> 'limits') not in ('array', 'null')
    limit 1;
    if found then
        raise exception 'spec % must be an object whose depends_on and limits are lists, not %', v_place, left(p_specs ->> (v_place - 1)::integer, 200)
            using errcode = 'RQ008', hint = '{"job_type": "no_op", "depends_on": ["a"]}';
    end if;
    select s.n, k into v_place, v_word
    from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
    cross join lateral jsonb_object_keys(s.spec) as k
    where k <> all(v_known)
    limit 1;
    if found then
        raise exception 'spec % must have known keys only, not %', v_place, quote_literal(v_word)
            using errcode = 'RQ008', hint = 'Known: ' || array_to_string(v_known, ', ');
    end if;
    select min(s.n) into v_place
    from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
    where s.spec ->> 'ref' is not null
    group by s.spec ->> 'ref'
    having count(*) > 1
    limit 1;
    if found then
        raise exception 'ref of spec % must not stand twice', v_place
            using errcode = 'RQ008', hint = 'Each names one job of the call.';
    end if;
end;
$$;

comment on function queue.check_specs(jsonb) is $$
Refuse specs of queue.enqueue_jobs that have the wrong shape, an unknown key, or a ref twice (RQ008).
$$;
