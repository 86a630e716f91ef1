create or replace function queue.reschedule_these(p_verb text, p_job_ids uuid[], p_at timestamptz, p_filter queue.job_filter default null)
returns queue.judged_jobs
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_at timestamptz := greatest(p_at, v_now);
    v_is_later boolean := p_at > v_now;
    v_judged queue.judged_jobs;
    v_ids uuid[];
    v_placed uuid[];
    v_more uuid[];
    v_limits text[];
begin
    perform queue.lock_queued_jobs(p_job_ids);
    p_job_ids := queue.still_fitting(p_job_ids, p_filter);  -- mutant: what has become ready meanwhile is refused a time
    v_judged := queue.judge_jobs(p_verb, p_job_ids, p_at => p_at);
    v_ids := array(select v.job_id from unnest(v_judged.job_ids, v_judged.outcomes) as v (job_id, outcome) where v.outcome in ('due now', 'rescheduled') order by v.job_id);
    v_placed := queue.unschedule(v_ids);
    if v_is_later then
        with gone as (
            delete from queue.parked as p where p.job_id = any(v_ids) returning p.job_id
        )
        select coalesce(array_agg(g.job_id), '{}') into v_more from gone as g;
        v_placed := v_placed || v_more;
        -- What was ready gives its permits back: it takes new ones when it is due.
        with gone as (
            delete from queue.ready as r where r.job_id = any(v_ids) returning r.job_id, r.limits
        ),
        permits as (
            select array_agg(l) as held from gone as g cross join lateral unnest(g.limits) as l
        )
        select coalesce(array_agg(g.job_id), '{}'), (select p.held from permits as p) into v_more, v_limits from gone as g;
        v_placed := v_placed || v_more;
        perform queue.release_permits(v_limits);  -- mutant: who is rescheduled keeps its permits
    end if;
    update queue.processing_jobs as j
    set scheduled_for = v_at, next_retry_at = case when v_is_later and j.next_retry_at is not null then v_at end
    where j.id = any(v_ids);
    -- Blocked jobs stay where they are: their time counts when the last parent has completed.
    perform queue.schedule_or_admit(array(select u from unnest(v_placed) as u order by u));
    return v_judged;
end;
$$;

comment on function queue.reschedule_these(text, uuid[], timestamptz, queue.job_filter) is $$
What queue.run_job_now, run_jobs_now, reschedule_job and reschedule_jobs do. Returns what became of each, see queue.judge_jobs; the caller
has asked whose they are. A time that has passed means now, so that nobody gets ahead of those who wait.

Arguments
  p_verb    run now or reschedule
  p_filter  as of queue.cancel_these
$$;
