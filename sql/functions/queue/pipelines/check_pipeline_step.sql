create or replace function queue.check_pipeline_step(p_steps jsonb, p_place integer)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_step jsonb := p_steps -> p_place - 1;
    v_name text;
    v_found text;
    v_schema jsonb;
    v_no text[];
begin
    if jsonb_typeof(v_step) <> 'object' then
        raise exception 'step % of the list must be a JSON object, not %', p_place, jsonb_typeof(v_step)
            using errcode = 'RQ008', hint = '{"step": "probe", "job_type": "extract_metadata", "after": ["download"]}';
    end if;
    v_name := v_step ->> 'step';
    if v_name is null or jsonb_typeof(v_step -> 'step') <> 'string' or v_name !~ '^[a-z][a-z0-9_-]{0,62}$' then
        raise exception 'step % of the list must have a name ("step") of a-z, 0-9, _ and - that begins with a letter, not %', p_place, coalesce(left((v_step -> 'step')::text, 80), 'none')
            using errcode = 'RQ008', hint = 'Such as {"step": "probe", …}.';
    end if;
    if exists (select from jsonb_array_elements(p_steps) with ordinality as s (step, place) where s.place < p_place and s.step ->> 'step' = v_name) then
        raise exception 'step % must stand once in the list, not again as its step %', quote_literal(v_name), p_place
            using errcode = 'RQ008', hint = 'Each step has a name of its own; two may be of one job type.';
    end if;
    select k into v_found from jsonb_object_keys(v_step) as k
    where k <> all(array['step', 'job_type', 'after', 'on_parent_failure', 'priority', 'job_data']) order by k limit 1;
    if found then
        raise exception 'step % must have no key %', quote_literal(v_name), quote_literal(v_found)
            using errcode = 'RQ008', hint = 'Known: step, job_type, after, on_parent_failure, priority, job_data. Arguments of the job stand in job_data.';
    end if;
    if jsonb_typeof(v_step -> 'job_type') is distinct from 'string' then
        raise exception 'step % must have a job_type, not %', quote_literal(v_name), coalesce(left((v_step -> 'job_type')::text, 80), 'none')
            using errcode = 'RQ008', hint = 'Known: ' || (select string_agg(t.job_type, ', ' order by t.job_type) from queue.job_types as t);
    end if;
    select t.options_schema into v_schema from queue.job_types as t where t.job_type = v_step ->> 'job_type';
    if not found then
        raise exception 'step %: no job type %', quote_literal(v_name), quote_literal(v_step ->> 'job_type')
            using errcode = 'RQ003', hint = 'Known: ' || (select string_agg(t.job_type, ', ' order by t.job_type) from queue.job_types as t);
    end if;
    if coalesce(jsonb_typeof(v_step -> 'after'), 'null') not in ('array', 'null') or (
        jsonb_typeof(v_step -> 'after') = 'array' and exists (select from jsonb_array_elements(v_step -> 'after') as a where jsonb_typeof(a) <> 'string')
    ) then
        raise exception 'step %: after must be a list of steps, not %', quote_literal(v_name), left((v_step -> 'after')::text, 80)
            using errcode = 'RQ008', hint = '"after": ["download"]';
    end if;
    if coalesce(v_step ->> 'on_parent_failure', 'fail') not in ('fail', 'cancel', 'run') then
        raise exception 'step %: on_parent_failure must be fail, cancel or run, not %', quote_literal(v_name), quote_literal(v_step ->> 'on_parent_failure')
            using errcode = 'RQ008', hint = 'What becomes of the step when one that it waits for has failed for good.';
    end if;
    if coalesce(v_step ->> 'priority', '5') !~ '^([1-9]|10)$' then
        raise exception 'step %: priority must be 1 (first) to 10 (last), not %', quote_literal(v_name), v_step ->> 'priority'
            using errcode = 'RQ008', hint = 'Leave it out for the job type''s.';
    end if;
    if coalesce(jsonb_typeof(v_step -> 'job_data'), 'null') not in ('object', 'null') then
        raise exception 'step %: job_data must be a JSON object, not %', quote_literal(v_name), jsonb_typeof(v_step -> 'job_data')
            using errcode = 'RQ008', hint = 'Arguments of the job, such as {"crf": 21}; see reelq job-types show.';
    end if;
    v_no := queue.job_data_refusal(coalesce(nullif(v_step -> 'job_data', 'null'), '{}'));  -- mutant: a step may bring what no job may
    if v_no is not null then
        raise exception 'step %: %', quote_literal(v_name), v_no[2] using errcode = v_no[1], hint = v_no[3];
    end if;
    -- What is required may come with the options of a run.
    v_no := queue.options_refusal(v_step ->> 'job_type', v_schema - 'required', coalesce(v_step -> 'job_data', '{}'), v_name);
    if v_no is not null then
        raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
    end if;
end;
$$;

comment on function queue.check_pipeline_step(jsonb, integer) is $$
Refuse a step of a pipeline that makes no sense in itself; what it waits for is judged by queue.pipeline_order. See queue.set_pipeline.

Arguments
  p_steps  all steps
  p_place  which of them, from 1

Raises
  RQ003  no such job type
  RQ008  no object, no name, a name that an earlier step has, an unknown key, or a value of the wrong shape
$$;
