create or replace function queue.reprioritise_these(p_job_ids uuid[], p_priority integer, p_filter queue.job_filter default null)
returns queue.judged_jobs
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_judged queue.judged_jobs;
    v_ids uuid[];
    v_held uuid[];
    v_gates text[];
    v_place record;
begin
    perform queue.lock_queued_jobs(p_job_ids);
    p_job_ids := queue.still_fitting(p_job_ids, p_filter);  -- mutant: what has ended meanwhile is refused a priority
    v_judged := queue.judge_jobs('reprioritise', p_job_ids, p_priority);
    v_ids := array(select v.job_id from unnest(v_judged.job_ids, v_judged.outcomes) as v (job_id, outcome) where v.outcome = 'reprioritised' order by v.job_id);
    update queue.processing_jobs as j set priority = p_priority where j.id = any(v_ids);
    -- In the order in which they became ready or were parked. Permits go along: those with the same ones together.
    for v_place in
        with gone as (
            delete from queue.ready as r where r.job_id = any(v_ids) returning r.job_id, r.seq, r.limits
        )
        select g.limits, array_agg(g.job_id order by g.seq) as job_ids from gone as g group by g.limits order by min(g.seq)
    loop
        perform queue.admit_jobs(v_place.job_ids, v_place.limits);
    end loop;
    with gone as (
        delete from queue.parked as p where p.job_id = any(v_ids) returning p.job_id, p.seq, p.gate
    )
    select array_agg(g.job_id order by g.seq), array_agg(g.gate order by g.seq) into v_held, v_gates from gone as g;
    if v_held is not null then
        perform queue.park_jobs(v_held, v_gates);
    end if;
    return v_judged;
end;
$$;

comment on function queue.reprioritise_these(uuid[], integer, queue.job_filter) is $$
What queue.reprioritise_job and queue.reprioritise_jobs do. Returns what became of each, see queue.judge_jobs; the caller has asked
whose they are.

Arguments
  p_filter  what chose them: what it does not choose any more, once they are locked, is left alone; null: nothing to ask
$$;
