create or replace function queue.explain_rescue(p_job queue.processing_jobs, p_lease queue.leases)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_live integer;
    v_takers integer;
    v_when text := case
        when p_lease.expires_at > v_now then format('once its lease ends, in %s', base.format_interval(p_lease.expires_at - v_now))
        else 'within seconds'
    end;
begin
    -- Of its own worker nothing was heard: one that is as silent takes nothing back either.
    select
        count(*),
        count(*) filter (where (w.types is null or p_job.job_type = any(w.types)) and p_job.needs <@ w.capabilities and p_job.weight <= w.slots)
    into v_live, v_takers
    from queue.workers as w
    where
        w.status = 'active' and w.drain_requested_at is null and w.trouble is null
        and w.last_beat_at > v_now - queue.silent_after(w.beat_interval);  -- mutant: a silent worker takes jobs back
    return case
        when v_live > 0 and (v_takers > 0 or not base.is_operator()) then format('Wait: a claiming worker takes it back %s.', v_when)
        when not base.is_operator() then 'Wait, or ask the operator.'
        when v_live = 0 then format('No worker is at work: start one, as: reelq worker run --types %s', p_job.job_type)
        else format(
            'A claiming worker takes it back %s, and then no worker at work takes %s: start one, as: reelq worker run --types %s',
            v_when, p_job.job_type, p_job.job_type
        )
    end;
end;
$$;

comment on function queue.explain_rescue(queue.processing_jobs, queue.leases) is $$
What to do about a running job whose worker is not heard of: who takes it back and when, or that a worker is to be started.
$$;
