create or replace function queue.specs_refusal(p_specs jsonb)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_known text[] := array[
        'ref', 'job_type', 'video_id', 'asset_id', 'tenant_id', 'user_id', 'job_data', 'priority', 'scheduled_for', 'depends_on',
        'on_parent_failure', 'idempotency_key', 'max_attempts', 'limits', 'channel_id', 'pipeline_run', 'pipeline_step'
    ];
    v_refs jsonb;
    v_place bigint;
    v_spec jsonb;
    v_word text;
    v_name text;
begin
    if p_specs is null or jsonb_typeof(p_specs) <> 'array' then
        return array[
            'RQ008', format('specs must be a JSON array of objects, not %s', coalesce(jsonb_typeof(p_specs), 'null')),
            '[{"job_type": "no_op", "ref": "a"}, {"job_type": "no_op", "depends_on": ["a"]}]'
        ];
    end if;
    select s.n, s.spec into v_place, v_spec from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
    where jsonb_typeof(s.spec) <> 'object' limit 1;
    if found then
        return array[
            'RQ008', format('spec %s must be a JSON object, not %s', v_place, left(v_spec::text, 200)), '{"job_type": "no_op", "depends_on": ["a"]}'
        ];
    end if;
    select s.n, s.spec, k.key into v_place, v_spec, v_word
    from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
    cross join lateral jsonb_each(s.spec) as k (key, value)
    where
        k.key <> all(v_known)
        or (k.key in ('depends_on', 'limits') and (
            case jsonb_typeof(k.value)
                when 'array' then jsonb_path_exists(k.value, 'strict $[*] ? (@.type() == "object" || @.type() == "array")')
                else k.value <> 'null'
            end
        ))
        or (k.key not in ('depends_on', 'limits', 'job_data') and jsonb_typeof(k.value) in ('object', 'array'))
    order by s.n limit 1;
    if found then
        v_name := queue.spec_name(v_place, v_spec);
        return case
            when v_word <> all(v_known) then
                array['RQ008', format('%s must have known keys only, not %L', v_name, v_word), 'Known: ' || array_to_string(v_known, ', ')]
            when v_word in ('depends_on', 'limits') then
                array['RQ008', format('%s: %s must be a list of words, not %s', v_name, v_word, left((v_spec -> v_word)::text, 200)), '["a"]']
            else
                array['RQ008', format('%s: %s must be one value, not %s', v_name, v_word, left((v_spec -> v_word)::text, 200)), 'Only job_data takes an object.']
        end;
    end if;
    select min(s.n), s.spec ->> 'ref' into v_place, v_word
    from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
    where s.spec ->> 'ref' is not null
    group by s.spec ->> 'ref'
    having count(*) > 1
    order by 1 limit 1;
    if found then
        select s.n into v_place from jsonb_array_elements(p_specs) with ordinality as s (spec, n) where s.spec ->> 'ref' = v_word order by s.n offset 1 limit 1;
        return array['RQ008', format('ref of spec %s must not stand twice, as %L does', v_place, left(v_word, 200)), 'Each names one job of the call.'];
    end if;
    if jsonb_path_exists(p_specs, 'strict $[*] ? (exists(@.depends_on[*]))') then
        v_refs := (
            select jsonb_object_agg(s.spec ->> 'ref', true) from jsonb_array_elements(p_specs) as s (spec) where s.spec ->> 'ref' is not null
        );
        select s.n, s.spec, d into v_place, v_spec, v_word
        from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
        cross join lateral jsonb_array_elements_text(case when jsonb_typeof(s.spec -> 'depends_on') = 'array' then s.spec -> 'depends_on' end) as d
        where (d !~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$' and coalesce(v_refs ? d, false) is false) or d is null
        order by s.n limit 1;
        if found then
            return array[
                case when v_word is null then 'RQ008' else 'RQ005' end,
                format(
                    '%s: depends_on must name refs of the same call or ids of jobs, not %s',
                    queue.spec_name(v_place, v_spec), coalesce(quote_literal(left(v_word, 200)), 'null')
                ),
                'A ref is what another spec of the call has as its ref.'
            ];
        end if;
    end if;
    return null;
end;
$$;

comment on function queue.specs_refusal(jsonb) is $$
Why specs of queue.enqueue_jobs are refused before anything is inserted: the wrong shape, an unknown key, a ref twice (RQ008), a word in
depends_on that names nothing (RQ005): {SQLSTATE, message, hint}; null: all is well.
$$;
