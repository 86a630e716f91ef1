create or replace function queue.reschedule_job(p_job_id uuid, p_scheduled_for timestamptz)
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
    perform queue.check_time(p_scheduled_for);
    if not queue.may_touch(p_job_id) then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list, or queue.list_jobs().';
    end if;
    v_judged := queue.reschedule_these('reschedule', array[p_job_id], p_scheduled_for);
    if v_judged.job_ids = '{}' then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list, or queue.list_jobs().';
    elsif v_judged.outcomes[1] = 'refused' then
        raise exception 'job % must be queued to be rescheduled, not %', p_job_id, v_judged.reasons[1]
            using errcode = 'RQ009', hint = case v_judged.reasons[1]
                when 'running' then 'Let it end, or cancel it first.'
                else 'It is over; look with: reelq jobs show'
            end;
    end if;
    perform base.record_act(
        'job.rescheduled', 'job', p_job_id::text, p_tenant_id => (select j.tenant_id from queue.processing_jobs as j where j.id = p_job_id),
        p_facts => jsonb_build_object('job_type', v_judged.job_types[1], 'scheduled_for', p_scheduled_for)
    );
    return (select queue.place_of(j.id, j.status, j.next_retry_at) from queue.processing_jobs as j where j.id = p_job_id);
end;
$$;

comment on function queue.reschedule_job(uuid, timestamptz) is $$
Give a queued job another time: it starts at p_scheduled_for or later. One that was ready or parked leaves its place until then; a blocked
one counts its time when its parents have completed. A time that has passed means now. Returns where it stands then.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such job
  RQ008  no time, or one before 1900 or after 9998
  RQ009  the job runs or is over
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
  RQ016  a viewer, who may only look
$$;
