create or replace function queue.move_to_history(p_job_ids uuid[], p_done_before timestamptz, p_failed_before timestamptz)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_ids uuid[];
    v_now timestamptz := base.clock();
begin
    -- Skip jobs that others have locked (a retry, the enqueuer of a child). No edge to a locked one can be added from here on,
    -- because that needs a share lock on the parent.
    v_ids := array(
        select j.id
        from queue.processing_jobs as j
        where
            j.id = any(p_job_ids)
            and (
                (j.status in ('completed', 'cancelled') and j.completed_at < p_done_before)
                or (j.status = 'failed' and j.completed_at < p_failed_before)
            )
        order by j.id
        for update skip locked
    );
    v_ids := queue.archivable_jobs(v_ids, p_done_before, p_failed_before);
    v_ids := queue.ensure_history_partitions(v_ids, v_now);
    if v_ids is null or v_ids = '{}' then
        return cardinality(v_ids);
    end if;

    -- Delete the jobs last: their delete trigger then finds no attempts, no edges and no child that it would fail.
    with gone as (
        delete from queue.job_dependencies as d
        where d.parent_id = any(v_ids) or d.job_id = any(v_ids)
        returning d.parent_id, d.job_id, d.on_failure, d.satisfied, d.created_at
    )
    insert into queue.dependency_history (parent_id, job_id, on_failure, satisfied, created_at, archived_at)
    select g.parent_id, g.job_id, g.on_failure, g.satisfied, g.created_at, v_now from gone as g;

    with gone as (
        delete from queue.job_attempts as a where a.job_id = any(v_ids) returning a.*
    )
    insert into queue.attempt_history select g.* from gone as g;

    insert into queue.job_history select j.* from queue.processing_jobs as j where j.id = any(v_ids);
    delete from queue.processing_jobs as j where j.id = any(v_ids);
    return cardinality(v_ids);
end;
$$;

comment on function queue.move_to_history(uuid[], timestamptz, timestamptz) is $$
Move those of these jobs that are over for long, that nobody has locked and nobody needs; see queue.archive_jobs.
Returns how many moved; null: none, as another session keeps a partition from being made.
$$;
