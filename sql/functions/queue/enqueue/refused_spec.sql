create or replace function queue.refused_spec(p_specs jsonb, p_ids uuid[], p_known uuid[], p_no text[])
returns text[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_no text[] := p_no;
    v_spec record;
    v_low integer := 1;
    v_high integer := jsonb_array_length(p_specs);
    v_middle integer;
    v_hint text;
    v_refs text[];
begin
    -- What a value must be that no column takes.
    for v_spec in
        select s.n, s.spec, k.key, k.value #>> '{}' as word
        from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
        cross join lateral jsonb_each(s.spec) as k (key, value)
        where p_known[s.n] is null and k.value <> 'null' and k.key = any(array[
            'video_id', 'asset_id', 'tenant_id', 'user_id', 'channel_id', 'pipeline_run', 'priority', 'max_attempts', 'scheduled_for'
        ])
        order by s.n
    loop
        begin
            if v_spec.key = 'scheduled_for' then
                perform v_spec.word::timestamptz;
            elsif v_spec.key = 'priority' then
                perform v_spec.word::smallint;
            elsif v_spec.key = 'max_attempts' then
                perform v_spec.word::integer;
            else
                perform v_spec.word::uuid;
            end if;
        exception
            when data_exception then
                return array[
                    'RQ008',
                    format(
                        '%s: %s must be %s, not %L', queue.spec_name(v_spec.n, v_spec.spec), v_spec.key,
                        case v_spec.key
                            when 'scheduled_for' then 'a time'
                            when 'priority' then '1 (first) to 10 (last)'
                            when 'max_attempts' then 'a whole number from 1'
                            else 'a uuid'
                        end,
                        left(v_spec.word, 200)
                    ),
                    case v_spec.key
                        when 'scheduled_for' then 'Such as 2030-01-31T20:00:00Z.'
                        when 'priority' then 'Leave it out for the default of the job type.'
                        when 'max_attempts' then 'Leave it out for the default of the job type.'
                        else 'Such as 01976b1e-5a3c-7d4e-8f00-0123456789ab.'
                    end
                ];
        end;
    end loop;

    v_refs := array(
        select coalesce(s.spec ->> 'ref', 'spec ' || s.n) from jsonb_array_elements(p_specs) with ordinality as s (spec, n) order by s.n
    );
    if v_no[1] = 'RQ006' then
        -- The jobs are gone with their insert, so that their ids tell nothing: name them as the caller does.
        for v_place in 1..cardinality(p_ids) loop
            v_no[2] := replace(v_no[2], p_ids[v_place]::text, v_refs[v_place]);
        end loop;
        return v_no;
    elsif v_no[1] = 'RQ002' then
        return v_no;
    end if;

    -- Halve what is left until the spec is found that is refused alone: each half is inserted, and taken back. Edges within the call are left
    -- out, since they are in order by now.
    loop
        v_middle := (v_low + v_high) / 2;
        begin
            insert into queue.processing_jobs (
                job_type, video_id, asset_id, tenant_id, user_id, job_data, priority, scheduled_for, depends_on,
                on_parent_failure, idempotency_key, max_attempts, limits, channel_id, pipeline_run, pipeline_step
            )
            select
                j.job_type, j.video_id, j.asset_id, j.tenant_id, j.user_id, s.spec -> 'job_data', j.priority, j.scheduled_for,
                (
                    select array_agg(d::uuid) from jsonb_array_elements_text(s.spec -> 'depends_on') as d
                    where d !~ '[^0-9a-fA-F-]' and length(d) >= 32 and d <> all(v_refs)
                ),
                j.on_parent_failure, j.idempotency_key, j.max_attempts, j.limits, j.channel_id, j.pipeline_run, j.pipeline_step
            from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
            cross join lateral jsonb_populate_record(null::queue.processing_jobs, s.spec - array['job_data', 'depends_on', 'ref']) as j
            where s.n between v_low and v_middle and p_known[s.n] is null;
            raise exception 'taken back' using errcode = 'P0999', hint = 'Caught below.';
        exception
            when sqlstate 'P0999' then
                if v_low = v_high then
                    return p_no;
                end if;
                v_low := v_middle + 1;
            when data_exception or integrity_constraint_violation or sqlstate 'RQ003' or sqlstate 'RQ004' or sqlstate 'RQ005'
                or sqlstate 'RQ006' or sqlstate 'RQ008' or sqlstate 'RQ012' then
                if v_low = v_high then
                    get stacked diagnostics v_hint = pg_exception_hint;
                    return array[
                        case when sqlstate like 'RQ%' then sqlstate else 'RQ008' end,
                        queue.spec_name(v_low, p_specs -> (v_low - 1)) || ': ' || sqlerrm, v_hint  -- mutant: a refusal does not say which spec
                    ];
                end if;
                v_high := v_middle;
        end;
    end loop;
end;
$$;

comment on function queue.refused_spec(jsonb, uuid[], uuid[], text[]) is $$
Which spec of queue.enqueue_jobs was refused: {SQLSTATE, message, hint}, where the message names its place, its ref and what is wrong.
Called after the insert of all was taken back, so that what is in order costs nothing. Leaves nothing behind. The codes are those of
queue.enqueue_jobs: RQ002, RQ003, RQ004, RQ005, RQ006, RQ008, RQ012.

Arguments
  p_ids    the ids that the specs were to get
  p_known  the jobs that were there already, by their idempotency keys
  p_no     {SQLSTATE, message, hint} of the insert of all: returned when no spec alone is to blame
$$;
