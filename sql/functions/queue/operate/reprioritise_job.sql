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
    v_job queue.processing_jobs;
    v_limits text[];
    v_gate text;
    v_no text[];
begin
    perform base.check_read_committed();
    if p_priority is null or p_priority not between 1 and 10 then
        raise exception 'priority must be 1 (first) to 10 (last), not %', coalesce(p_priority::text, 'null')
            using errcode = 'RQ008', hint = '5 is the usual one.';
    end if;
    if not queue.may_touch(p_job_id) then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list';
    end if;
    v_job := queue.lock_queued_job(p_job_id);
    if v_job.id is null then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list';
    elsif v_job.status not in ('queued', 'running') then
        raise exception 'job % must be queued or running to change its priority, not %', p_job_id, v_job.status
            using errcode = 'RQ009', hint = 'It is over; look with: reelq jobs show';
    end if;
    if v_job.priority = p_priority then
        return;
    end if;
    v_no := queue.priority_refusal(v_job.job_type, p_priority);
    if v_no is not null then
        raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
    end if;
    update queue.processing_jobs as j set priority = p_priority where j.id = p_job_id;
    delete from queue.ready as r where r.job_id = p_job_id returning r.limits into v_limits;
    if found then
        perform queue.admit_jobs(array[p_job_id], v_limits);
    end if;
    delete from queue.parked as p where p.job_id = p_job_id returning p.gate into v_gate;
    if found then
        perform queue.park_jobs(array[p_job_id], array[v_gate]);
    end if;
end;
$$;

comment on function queue.reprioritise_job(uuid, integer) is $$
Serve a queued job sooner or later: 1 first, 10 last. For a running one it counts when it comes back.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such job
  RQ008  no priority, or one that a tenant may not choose
  RQ009  the job is over
$$;
