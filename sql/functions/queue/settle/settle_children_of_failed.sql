create or replace function queue.settle_children_of_failed(p_parent_ids uuid[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_parents uuid[] := p_parent_ids;
    v_doomed uuid[];
begin
    while v_parents <> '{}' loop
        -- Policy 'run': the edge counts as satisfied.
        perform queue.release_children(v_parents, true);  -- mutant: a failure leaves the willing waiting

        -- Policies 'fail' and 'cancel': the child ends without having started, and its own children follow in the next round.
        v_doomed := array(
            select distinct d.job_id from queue.job_dependencies as d
            where d.parent_id = any(v_parents) and not d.satisfied and d.on_failure <> 'run'
            order by d.job_id
        );
        perform from queue.blocked as b where b.job_id = any(v_doomed) order by b.job_id for update;
        with gone as (
            delete from queue.blocked as b where b.job_id = any(v_doomed) returning b.job_id
        )
        select coalesce(array_agg(g.job_id order by g.job_id), '{}') into v_doomed from gone as g;

        update queue.processing_jobs as j
        set
            status = case when j.on_parent_failure = 'fail' then 'failed' else 'cancelled' end,
            completed_at = v_now,
            error_class = case when j.on_parent_failure = 'fail' then 'permanent' else 'cancelled' end,
            error_code = 'parent_failed',
            error_message = 'A job that this one waits for failed or was cancelled.'
        where j.id = any(v_doomed) and j.status = 'queued';

        insert into queue.dead_letters (job_id, job_type, failed_at)
        select j.id, j.job_type, v_now
        from queue.processing_jobs as j
        where j.id = any(v_doomed) and j.status = 'failed';
        v_parents := v_doomed;  -- mutant: a failure stops at the children
    end loop;
end;
$$;

comment on function queue.settle_children_of_failed(uuid[]) is $$
These jobs have failed for good, were cancelled or are gone: deal with those that wait for them as
each edge says, and with those that wait for these, and so on down.
$$;
