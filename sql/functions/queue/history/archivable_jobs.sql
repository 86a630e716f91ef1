create or replace function queue.archivable_jobs(p_job_ids uuid[], p_done_before timestamptz, p_failed_before timestamptz)
returns uuid[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_left uuid[] := p_job_ids;
    v_held uuid[];
begin
    -- If somebody has locked an edge, a job at its other end is being deleted: leave this job to the next walk.
    with free as (
        select d.parent_id, d.job_id
        from queue.job_dependencies as d
        where d.parent_id = any(v_left) or d.job_id = any(v_left)
        for update skip locked
    )
    select coalesce(array_agg(e.parent_id) || array_agg(e.job_id), '{}') into v_held
    from queue.job_dependencies as e
    where
        (e.parent_id = any(v_left) or e.job_id = any(v_left))
        and not exists (select from free as f where f.parent_id = e.parent_id and f.job_id = e.job_id);

    -- An open edge keeps two jobs together: the child still waits for its parent, or failed with it and would return with its
    -- retry. Archive both at once, or the child when its parent is old enough to be archived too.
    loop
        v_left := array(select l from unnest(v_left) as l where l <> all(v_held) order by l);
        v_held := array(
            select d.parent_id
            from queue.job_dependencies as d
            where d.parent_id = any(v_left) and not d.satisfied and d.job_id <> all(v_left)
            union
            select d.job_id
            from queue.job_dependencies as d
            inner join queue.processing_jobs as parent on parent.id = d.parent_id
            where
                d.job_id = any(v_left) and not d.satisfied and d.parent_id <> all(v_left)
                and case parent.status
                    when 'failed' then parent.completed_at >= p_failed_before
                    when 'cancelled' then parent.completed_at >= p_done_before
                    else false
                end
        );
        -- Keep a parent while a job that it spawned stays: jobs enqueued later find the spawned ones through it.
        v_held := v_held || array(
            select s.parent_id
            from queue.spawned as s inner join queue.processing_jobs as j on j.id = s.job_id
            where s.parent_id = any(v_left) and s.job_id <> all(v_left)
        );
        exit when v_held = '{}';
    end loop;
    return v_left;
end;
$$;

comment on function queue.archivable_jobs(uuid[], timestamptz, timestamptz) is $$
Of these jobs, which are over and locked by the caller, those that can be archived because no other job needs them. Locks their edges.
$$;
