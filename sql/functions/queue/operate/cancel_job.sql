create or replace function queue.cancel_job(p_job_id uuid, p_reason text default null)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_job queue.processing_jobs;
    v_doomed uuid[];
    v_worker text;
    v_limits text[];
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    if not queue.may_touch(p_job_id) then  -- mutant: whose a job is gets asked after the wait
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list';
    end if;
    -- Lock in the order that all functions keep, see docs/design/locks.md: the video, then this job and those that fall with it.
    perform queue.lock_video_of(p_job_id);
    v_doomed := queue.find_doomed(array[p_job_id]);
    if v_doomed <> '{}' then
        perform from queue.processing_jobs as j where j.id = any(v_doomed || p_job_id) order by j.id for no key update;  -- mutant: a cancel locks as it goes
    end if;
    v_job := queue.lock_queued_job(p_job_id);

    if v_job.id is null then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list';
    elsif v_job.status = 'running' then
        update queue.leases as l
        set cancel_requested_at = coalesce(l.cancel_requested_at, base.clock()), cancel_reason = coalesce(p_reason, l.cancel_reason)
        where l.job_id = p_job_id
        returning l.worker_id into v_worker;
        perform queue.notify_worker(v_worker);
        return 'cancelling';
    elsif v_job.status <> 'queued' then
        raise exception 'job % must be queued or running to be cancelled, not %', p_job_id, v_job.status
            using errcode = 'RQ009', hint = 'It is over; look with: reelq jobs show';
    end if;

    delete from queue.blocked as b where b.job_id = p_job_id;
    delete from queue.scheduled as s where s.due = v_job.scheduled_for and s.job_id = p_job_id;  -- mutant: a narrow row stays behind
    delete from queue.parked as p where p.job_id = p_job_id;
    delete from queue.ready as r where r.job_id = p_job_id returning r.limits into v_limits;
    perform queue.release_permits(v_limits);
    update queue.processing_jobs as j
    set
        status = 'cancelled', completed_at = base.clock(), error_class = 'cancelled', error_code = 'cancelled',
        error_message = coalesce(p_reason, 'Cancelled by hand.')
    where j.id = p_job_id;
    if v_job.pipeline_run is not null and v_job.video_id is not null then
        perform media.fail_video(v_job.video_id, 'cancelled', coalesce(p_reason, 'Cancelled by hand.'));
    end if;
    perform queue.settle_children_of_failed(array[p_job_id]);
    return 'cancelled';
end;
$$;

comment on function queue.cancel_job(uuid, text) is $$
Cancel a job. A queued one is cancelled at once ('cancelled'); a running one is told through its lease and
stops within seconds ('cancelling'), unless it completes first. Those that wait for it follow their edges.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such job
  RQ009  the job is over
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
