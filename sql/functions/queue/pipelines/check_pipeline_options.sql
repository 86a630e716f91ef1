create or replace function queue.check_pipeline_options(p_pipeline text, p_options jsonb)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_step text;
    v_no text[];
begin
    select o.key into v_step from jsonb_object_keys(p_options) as o (key)
    where not exists (select from queue.pipeline_steps as s where s.pipeline = p_pipeline and s.step = o.key) limit 1;
    if found then
        raise exception 'pipeline % has no step %', p_pipeline, quote_literal(v_step)
            using errcode = 'RQ008',
                  hint = 'Steps: ' || (
                      select string_agg(s.step, ', ' order by s.step) from queue.pipeline_steps as s where s.pipeline = p_pipeline
                  ) || '. An option is named STEP.KEY.';
    end if;
    select s.step into v_step from queue.pipeline_steps as s
    where s.pipeline = p_pipeline and p_options ? s.step and jsonb_typeof(p_options -> s.step) <> 'object' limit 1;
    if found then
        raise exception 'option % must be a JSON object, as it names a step, not %', quote_literal(v_step), jsonb_typeof(p_options -> v_step)
            using errcode = 'RQ008', hint = format('{"%s": {"key": value}}', v_step);
    end if;
    select r.no into v_no
    from queue.pipeline_steps as s
    inner join queue.job_types as t on t.job_type = s.job_type
    cross join lateral (select s.job_data || coalesce(p_options -> s.step, '{}') as job_data) as j
    cross join lateral queue.options_refusal(t.job_type, t.options_schema, j.job_data, s.step) as r (no)
    where s.pipeline = p_pipeline and t.options_schema is not null and (j.job_data @@ t.options_path) is not true and r.no is not null
    order by s.step limit 1;
    if found then
        raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
    end if;
end;
$$;

comment on function queue.check_pipeline_options(text, jsonb) is $$
Refuse options of a pipeline that name no step, hold no object for one, or hold what the job type of the step does not take (RQ008).
$$;
