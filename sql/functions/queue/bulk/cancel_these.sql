create or replace function queue.cancel_these(p_job_ids uuid[], p_reason text default null, p_filter queue.job_filter default null)
returns queue.judged_jobs
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_message text := coalesce(p_reason, 'Cancelled by hand.');
    v_doomed uuid[] := queue.find_doomed(p_job_ids);
    v_judged queue.judged_jobs;
    v_cancelled uuid[];
    v_running uuid[];
    v_limits text[];
    v_found record;
begin
    -- Lock in the order that all functions keep, see docs/design/locks.md: the videos, then these jobs and those that fall with them.
    perform queue.lock_videos_of(p_job_ids || v_doomed);
    if v_doomed <> '{}' then
        perform from queue.processing_jobs as j where j.id = any(v_doomed || p_job_ids) order by j.id for no key update;  -- mutant: a cancel locks as it goes
    end if;
    perform queue.lock_queued_jobs(p_job_ids);
    p_job_ids := queue.still_fitting(p_job_ids, p_filter);  -- mutant: a cancel of queued jobs stops running ones
    v_judged := queue.judge_jobs('cancel', p_job_ids);

    v_running := array(select v.job_id from unnest(v_judged.job_ids, v_judged.outcomes) as v (job_id, outcome) where v.outcome = 'cancelling');
    if v_running <> '{}' then
        perform from queue.leases as l where l.job_id = any(v_running) order by l.job_id for update;
        for v_found in
            with told as (
                update queue.leases as l
                set cancel_requested_at = coalesce(l.cancel_requested_at, v_now), cancel_reason = coalesce(p_reason, l.cancel_reason)
                where l.job_id = any(v_running)
                returning l.worker_id
            )
            select distinct t.worker_id from told as t order by 1
        loop
            perform queue.notify_worker(v_found.worker_id);
        end loop;
    end if;

    v_cancelled := array(select v.job_id from unnest(v_judged.job_ids, v_judged.outcomes) as v (job_id, outcome) where v.outcome = 'cancelled' order by v.job_id);
    if v_cancelled <> '{}' then
        delete from queue.blocked as b where b.job_id = any(v_cancelled);
        perform queue.unschedule(v_cancelled);
        delete from queue.parked as p where p.job_id = any(v_cancelled);
        with gone as (
            delete from queue.ready as r where r.job_id = any(v_cancelled) returning r.limits
        )
        select array_agg(l) into v_limits from gone as g cross join lateral unnest(g.limits) as l;
        perform queue.release_permits(v_limits);
        update queue.processing_jobs as j
        set status = 'cancelled', completed_at = v_now, error_class = 'cancelled', error_code = 'cancelled', error_message = v_message
        where j.id = any(v_cancelled);
        for v_found in
            select distinct j.video_id as id from queue.processing_jobs as j
            where j.id = any(v_cancelled) and j.pipeline_run is not null and j.video_id is not null
            order by 1
        loop
            perform media.fail_video(v_found.id, 'cancelled', v_message);
        end loop;
        perform queue.settle_children_of_failed(v_cancelled);
    end if;
    return v_judged;
end;
$$;

comment on function queue.cancel_these(uuid[], text, queue.job_filter) is $$
What queue.cancel_job and queue.cancel_jobs do: end queued jobs, tell running ones through their leases, and deal with those that wait
for them. Returns what became of each, see queue.judge_jobs; the caller has asked whose they are.

Arguments
  p_filter  what chose them: what it does not choose any more, once they are locked, is left alone; null: nothing to ask
$$;
