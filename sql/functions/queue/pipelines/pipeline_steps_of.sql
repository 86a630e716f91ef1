create or replace function queue.pipeline_steps_of(p_steps jsonb)
returns table (step text, job_type text, after text[], on_parent_failure text, priority integer, job_data jsonb)
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select
        s.step ->> 'step', s.step ->> 'job_type',
        array(select a.name from jsonb_array_elements_text(coalesce(nullif(s.step -> 'after', 'null'), '[]')) with ordinality as a (name, place) order by a.place),
        coalesce(s.step ->> 'on_parent_failure', 'fail'), (s.step ->> 'priority')::integer,
        coalesce(nullif(s.step -> 'job_data', 'null'), '{}')
    from jsonb_array_elements(p_steps) as s (step);
$$;

comment on function queue.pipeline_steps_of(jsonb) is $$
The steps that queue.set_pipeline is given, as rows of queue.pipeline_steps; queue.check_pipeline_step comes first.
$$;
