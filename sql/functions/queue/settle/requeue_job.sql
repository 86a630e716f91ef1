create or replace function queue.requeue_job(
    p_job_id uuid,
    p_token integer,
    p_due timestamptz,
    p_outcome text,
    p_reason text
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_job queue.processing_jobs := queue.lock_running_job(p_job_id, p_token);
    v_cancel boolean;
    v_limits text[];
begin
    select l.cancel_requested_at is not null into v_cancel from queue.leases as l where l.job_id = p_job_id;
    if v_cancel then  -- mutant: a cancel is lost on release
        -- Those that wait for it may have lower ids, and its lock is held already: they are left to a claim's next look.
        perform queue.settle_failure(v_job, 'cancelled', 'cancelled', p_reason, '{}', true);  -- mutant: a release waits for the children
        return;
    end if;
    delete from queue.leases as l where l.job_id = p_job_id returning l.limits into v_limits;
    perform queue.release_permits(v_limits);
    update queue.processing_jobs as j
    set status = 'queued', scheduled_for = p_due, next_retry_at = case when p_outcome = 'snoozed' then p_due end  -- mutant: a drain charges an attempt
    where j.id = p_job_id;
    perform queue.record_attempt(v_job, p_outcome, null, null, p_reason, '{}');
    perform queue.schedule_or_admit(array[p_job_id]);
end;
$$;

comment on function queue.requeue_job(uuid, integer, timestamptz, text, text) is $$
Put a running job back without charging an attempt; cancel it when that was asked for meanwhile.
p_outcome is snoozed or released. Raises RQ001.
$$;
