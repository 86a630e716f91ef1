create or replace function queue.run_job_now(p_job_id uuid)
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
    if not queue.may_touch(p_job_id) then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list, or queue.list_jobs().';
    end if;
    v_judged := queue.reschedule_these('run now', array[p_job_id], base.clock());
    if v_judged.job_ids = '{}' then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list, or queue.list_jobs().';
    elsif v_judged.outcomes[1] = 'refused' then
        raise exception 'job % must be scheduled or backing off to run now, not %', p_job_id, v_judged.reasons[1]
            using errcode = 'RQ009', hint = format('What it waits for: reelq jobs explain %s', p_job_id);
    end if;
    perform base.record_act(
        'job.run_now', 'job', p_job_id::text, p_tenant_id => (select j.tenant_id from queue.processing_jobs as j where j.id = p_job_id),
        p_facts => jsonb_build_object('job_type', v_judged.job_types[1])
    );
    return (select queue.place_of(j.id, j.status, j.next_retry_at) from queue.processing_jobs as j where j.id = p_job_id);
end;
$$;

comment on function queue.run_job_now(uuid) is $$
Make a job due that is scheduled for later, or backing off after an error: the next free worker takes it in its turn. Limits and pauses
hold as for any other. Its attempts stay charged. Returns where it stands then, 'ready' or 'parked'.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such job
  RQ009  the job waits for something else than its time, runs, or is over
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
  RQ016  a viewer, who may only look
$$;
