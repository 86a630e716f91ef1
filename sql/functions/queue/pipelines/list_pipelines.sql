create or replace function queue.list_pipelines()
returns table (name text, description text, steps integer, running bigint, schedules bigint, created_at timestamptz, updated_at timestamptz)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
    with at_work as (
        -- By the leases, of which there are as many as slots: all unfinished runs would be a walk over the backlog.
        select queue.pipeline_of_key(j.idempotency_key) as name, count(distinct j.pipeline_run) as runs
        from queue.leases as l
        inner join queue.processing_jobs as j on j.id = l.job_id
        where j.pipeline_run is not null and (base.is_operator() or identity.may_see(j.tenant_id, j.user_id))
        group by 1
    )
    select
        p.name, p.description,
        (select count(*)::integer from queue.pipeline_steps as s where s.pipeline = p.name),
        coalesce(w.runs, 0),
        (select count(*) from queue.schedules as s where s.pipeline = p.name and (base.is_operator() or base.may_act_for(s.tenant_id))),
        p.created_at, p.updated_at
    from queue.pipelines as p
    left join at_work as w on w.name = p.name
    order by p.name;
$$;

comment on function queue.list_pipelines() is $$
The pipelines by name. running: runs of which a step runs at this moment; schedules: how many run it. A tenant is told of its own.
$$;
