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
    v_judged queue.judged_jobs;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    perform identity.check_may_write();
    perform queue.check_reason(p_reason);
    if not queue.may_touch(p_job_id) then  -- mutant: whose a job is gets asked after the wait
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list, or queue.list_jobs().';
    end if;
    v_judged := queue.cancel_these(array[p_job_id], p_reason);
    if v_judged.job_ids = '{}' then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list, or queue.list_jobs().';
    elsif v_judged.reasons[1] is not null then
        raise exception 'job % must be queued or running to be cancelled, not %', p_job_id, v_judged.reasons[1]
            using errcode = 'RQ009', hint = 'It is over; look with: reelq jobs show';
    end if;
    perform base.record_act(
        'job.cancelled', 'job', p_job_id::text, p_tenant_id => (select j.tenant_id from queue.processing_jobs as j where j.id = p_job_id),
        p_facts => jsonb_strip_nulls(jsonb_build_object('job_type', v_judged.job_types[1], 'outcome', v_judged.outcomes[1], 'reason', p_reason))
    );
    return v_judged.outcomes[1];
end;
$$;

comment on function queue.cancel_job(uuid, text) is $$
Cancel a job. A queued one is cancelled at once ('cancelled'); a running one is told through its lease and
stops within seconds ('cancelling'), unless it completes first. Those that wait for it follow their edges.
Many at once: queue.cancel_jobs.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such job
  RQ008  the reason has more than 2,000 characters
  RQ009  the job is over
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
  RQ016  a viewer, who may only look
$$;
