create or replace function queue.retry_these(p_job_ids uuid[], p_filter queue.job_filter default null)
returns queue.judged_jobs
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_judged queue.judged_jobs;
    v_fitting uuid[];
    v_revived uuid[];
    v_blocked uuid[];
    v_video record;
begin
    -- Two retries that have a child in common wait for each other here: each locks the other's job as a parent. Else each would leave
    -- the child to the other.
    v_revived := queue.lock_failed_descendants(p_job_ids);
    v_fitting := queue.still_fitting(p_job_ids, p_filter);
    if cardinality(v_fitting) < cardinality(p_job_ids) then
        -- What fell with a job that does not fit any more stays, too.
        p_job_ids := v_fitting;  -- mutant: what has been retried meanwhile is refused
        v_revived := array(
            select unnest(v_revived)
            intersect
            select unnest(queue.find_failed_descendants(array(
                select j.id from queue.processing_jobs as j where j.id = any(v_fitting) and j.status in ('failed', 'cancelled')
            )))
        );
    end if;
    v_judged := queue.judge_jobs('retry', p_job_ids, p_fallen => v_revived);
    v_revived := array(select v.job_id from unnest(v_judged.job_ids, v_judged.outcomes) as v (job_id, outcome) where v.outcome in ('retried', 'brought back') order by v.job_id);

    update queue.processing_jobs as j
    set
        status = 'queued', attempts = 0, crashes = 0,  -- mutant: a retry keeps the old budgets
        scheduled_for = case when j.id = any(p_job_ids) then base.clock() else greatest(j.scheduled_for, base.clock()) end, next_retry_at = null,  -- mutant: what is brought back forgets its time
        completed_at = null, duration_ms = null, error_class = null, error_code = null, error_message = null, result_data = null
    where j.id = any(v_revived) and j.status in ('failed', 'cancelled');
    delete from queue.dead_letters as d where d.job_id = any(v_revived);
    delete from queue.cascades as c where c.job_id = any(v_revived);  -- mutant: a cascade goes on below a retried job

    with waiting as (
        insert into queue.blocked (job_id, pending, job_type)
        select d.job_id, count(*), (select j.job_type from queue.processing_jobs as j where j.id = d.job_id)
        from queue.job_dependencies as d
        where d.job_id = any(v_revived) and not d.satisfied
        group by d.job_id
        returning blocked.job_id
    )
    select coalesce(array_agg(w.job_id), '{}') into v_blocked from waiting as w;
    perform queue.schedule_or_admit(array(select unnest(v_revived) except select unnest(v_blocked) order by 1));
    -- While another step of the run has failed the video cannot become ready: it stays failed until that is retried too.
    for v_video in
        select distinct j.video_id as id, j.pipeline_run as run
        from queue.processing_jobs as j
        where j.id = any(v_revived) and j.pipeline_run is not null and j.video_id is not null
        order by 1, 2
    loop
        if not exists (  -- mutant: a video is reopened that cannot end
            select from queue.processing_jobs as j
            where j.video_id = v_video.id and j.pipeline_run = v_video.run and j.status in ('failed', 'cancelled')
        ) and not exists (
            select from queue.job_history as h
            where h.video_id = v_video.id and h.pipeline_run = v_video.run and h.status in ('failed', 'cancelled')  -- mutant: a video is reopened whose failure is archived
        ) then
            perform media.reopen_video(v_video.id);
        end if;
    end loop;
    return v_judged;
end;
$$;

comment on function queue.retry_these(uuid[], queue.job_filter) is $$
What queue.retry_job and queue.retry_jobs do: take failed and cancelled jobs back into the queue with fresh budgets, together with those
that ended because of them. Returns what became of each, see queue.judge_jobs; the caller has asked whose they are.

Arguments
  p_filter  what chose them: what it does not choose any more, once they are locked, is left alone; null: nothing to ask
$$;
