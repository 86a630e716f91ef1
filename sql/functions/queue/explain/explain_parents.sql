create or replace function queue.explain_parents(p_job queue.processing_jobs)
returns table (reason text, detail text, advice text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select
        'blocked',
        format('It waits for %s %s, which %s', p.job_type, p.id, case p.status
            when 'running' then 'runs' || queue.explain_progress(l)
            else format('is %s.', (select s.place from queue.job_summary as s where s.id = p.id))
        end),
        format('select * from queue.explain_job(%L); or: reelq jobs explain %s', p.id, p.id)
    from queue.job_dependencies as d
    inner join queue.processing_jobs as p on p.id = d.parent_id
    left join queue.leases as l on l.job_id = p.id
    where
        d.job_id = p_job.id and not d.satisfied
        and exists (select from queue.blocked as b where b.job_id = p_job.id)
    order by p.id
    limit 20;
$$;

comment on function queue.explain_parents(queue.processing_jobs) is $$
The unfinished jobs that a job waits for, with how far each is; 20 at most.
$$;
