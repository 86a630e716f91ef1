create or replace function queue.delete_all_jobs()
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_jobs bigint;
    v_archived bigint;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    -- In one order, beside whoever is still at work.
    perform from queue.processing_jobs as j order by j.id for update;
    delete from queue.processing_jobs;
    get diagnostics v_jobs = row_count;
    delete from queue.job_history;
    get diagnostics v_archived = row_count;
    delete from queue.attempt_history;
    delete from queue.dependency_history;
    delete from queue.job_stats;
    delete from queue.strikes;
    update queue.upkeep as u set place = null where u.task in ('archive', 'repair', 'stats');
    perform base.record_act('queue.emptied', 'queue', null, p_facts => jsonb_build_object('jobs', v_jobs, 'archived', v_archived));
    return v_jobs + v_archived;
end;
$$;

comment on function queue.delete_all_jobs() is $$
Empty the queue, for tests: every job, whatever its state, with its attempts, history and figures. Types, settings, limits, pauses and
workers stay; a worker that runs a job learns from its next heartbeat that it is lost. For the owner alone. Returns how many jobs there were.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
