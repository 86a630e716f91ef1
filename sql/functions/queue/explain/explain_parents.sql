create or replace function queue.explain_parents(p_job queue.processing_jobs)
returns table (reason text, detail text, advice text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    -- One probe a parent (`offset 0`): with old statistics a join may read every job.
    with open_edges as materialized (
        select d.parent_id from queue.job_dependencies as d where d.job_id = p_job.id and not d.satisfied
    )
    select
        'blocked',
        format('It waits for %s %s, which %s', p.job_type, p.id, case p.status
            when 'running' then 'runs' || queue.explain_progress(l)
            else format('is %s.', (select s.place from queue.job_summary as s where s.id = p.id))
        end),
        format('select * from queue.explain_job(%L); or: reelq jobs explain %s', p.id, p.id)
    from (select e.parent_id from open_edges as e order by e.parent_id limit 20) as d
    cross join lateral (select one.* from queue.processing_jobs as one where one.id = d.parent_id offset 0) as p
    left join lateral (select one.* from queue.leases as one where one.job_id = p.id offset 0) as l on true
    where exists (select from queue.blocked as b where b.job_id = p_job.id)
    order by p.id;
$$;

comment on function queue.explain_parents(queue.processing_jobs) is $$
The unfinished jobs that a job waits for, with how far each is; 20 at most.
$$;
