create or replace function queue.show_pipeline(p_name text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_shown jsonb;
begin
    select to_jsonb(p) into v_shown from queue.list_pipelines() as p where p.name = p_name;
    if not found then
        raise exception 'no pipeline %', coalesce(quote_literal(left(p_name, 80)), 'null')
            using errcode = 'RQ004', hint = 'Known: ' || coalesce((select string_agg(p.name, ', ' order by p.name) from queue.pipelines as p), 'none');
    end if;
    return v_shown || jsonb_build_object(
        'steps', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'step', s.step, 'job_type', s.job_type, 'after', s.after, 'on_parent_failure', s.on_parent_failure,
                'priority', s.priority, 'job_data', s.job_data
            ) order by o.place), '[]')
            from queue.pipeline_order(p_name) as o
            inner join queue.pipeline_steps as s on s.pipeline = p_name and s.step = o.step
        ),
        'options', (
            select coalesce(jsonb_object_agg(s.step, t.options_schema), '{}')
            from queue.pipeline_steps as s inner join queue.job_types as t on t.job_type = s.job_type
            where s.pipeline = p_name
        ),
        'schedules', (
            select coalesce(jsonb_agg(s.name order by s.name), '[]') from queue.schedules as s
            where s.pipeline = p_name and (base.is_operator() or base.may_act_for(s.tenant_id))
        )
    );
end;
$$;

comment on function queue.show_pipeline(text) is $$
All that is known of a pipeline, as one JSON object: the columns of queue.list_pipelines, and

  steps      as queue.set_pipeline takes them, each after those that it waits for
  options    {"<step>": the options_schema of its job type}: what `options` of a run may hold for it
  schedules  names of the schedules that run it

Raises
  RQ004  no such pipeline
$$;
