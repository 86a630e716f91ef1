create or replace function queue.reprioritise_job(p_job_id uuid, p_priority integer)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_judged queue.judged_jobs;
    v_no text[];
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    perform identity.check_may_write();
    if p_priority is null or p_priority not between 1 and 10 then
        raise exception 'priority must be 1 (first) to 10 (last), not %', coalesce(p_priority::text, 'null')
            using errcode = 'RQ008', hint = '5 is the usual one.';
    end if;
    if not queue.may_touch(p_job_id) then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list, or queue.list_jobs().';
    end if;
    v_judged := queue.reprioritise_these(array[p_job_id], p_priority);
    if v_judged.job_ids = '{}' then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list, or queue.list_jobs().';
    elsif v_judged.reasons[1] in ('completed', 'failed', 'cancelled') then
        raise exception 'job % must be queued or running to change its priority, not %', p_job_id, v_judged.reasons[1]
            using errcode = 'RQ009', hint = 'It is over; look with: reelq jobs show';
    elsif v_judged.reasons[1] is not null then
        v_no := queue.priority_refusal(v_judged.job_types[1], p_priority);
        raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
    end if;
    if v_judged.outcomes[1] <> 'unchanged' then
        perform base.record_act(
            'job.reprioritised', 'job', p_job_id::text, p_tenant_id => (select j.tenant_id from queue.processing_jobs as j where j.id = p_job_id),
            p_facts => jsonb_build_object('job_type', v_judged.job_types[1], 'priority', p_priority)
        );
    end if;
end;
$$;

comment on function queue.reprioritise_job(uuid, integer) is $$
Serve a queued job sooner or later: 1 first, 10 last. For a running one it counts when it comes back.
Many at once: queue.reprioritise_jobs.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such job
  RQ008  no priority, or one that a tenant may not choose
  RQ009  the job is over
  RQ011  the owner does not see its rows
  RQ016  a viewer, who may only look
$$;
