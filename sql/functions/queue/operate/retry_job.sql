create or replace function queue.retry_job(p_job_id uuid)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_lock text;
    v_job queue.processing_jobs;
    v_parent uuid;
    v_revived uuid[];
    v_blocked uuid[];
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    if not queue.may_touch(p_job_id) then
        if exists (select from queue.job_history as h where h.id = p_job_id and base.may_act_for(h.tenant_id)) then
            raise exception 'job % must not be in the history to be retried', p_job_id
                using errcode = 'RQ009', hint = 'Enqueue a new job to do the work again.';
        end if;
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list --status failed';
    end if;
    perform queue.lock_video_of(p_job_id);
    -- One retry of a tenant at a time: two side by side would each leave the children that both have to revive to the other. A
    -- row that another session has inserted and not committed is waited for too.
    select 'retry:' || coalesce(j.tenant_id::text, 'platform') into v_lock from queue.processing_jobs as j where j.id = p_job_id;
    insert into queue.locks (name) values (v_lock) on conflict do nothing;
    perform from queue.locks as l where l.name = v_lock for update;  -- mutant: two retries at a time
    select * into v_job from queue.processing_jobs as j where j.id = p_job_id;
    if not found then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list --status failed';
    elsif v_job.status not in ('failed', 'cancelled') then
        raise exception 'job % must be failed or cancelled to be retried, not %', p_job_id, v_job.status
            using errcode = 'RQ009', hint = 'Enqueue a new job to do the work again.';
    end if;
    v_revived := queue.lock_failed_descendants(p_job_id);
    select * into v_job from queue.processing_jobs as j where j.id = p_job_id and j.status in ('failed', 'cancelled');
    if not found then
        raise exception 'job % must be failed or cancelled to be retried', p_job_id
            using errcode = 'RQ009', hint = 'Another session was faster; look with: reelq jobs show';
    end if;

    select d.parent_id into v_parent
    from queue.job_dependencies as d
    where
        d.job_id = p_job_id and not d.satisfied
        and coalesce((select parent.status from queue.processing_jobs as parent where parent.id = d.parent_id), 'gone')
        not in ('queued', 'running', 'completed')
    limit 1;
    if found then
        raise exception 'parents of job % must have completed or be at work, unlike job %', p_job_id, v_parent
            using errcode = 'RQ009', hint = format('Retry that one: reelq jobs retry %s', v_parent);
    end if;

    -- Leave out children that have another failed parent: they stay failed.
    v_revived := queue.retryable_jobs(v_revived);

    update queue.processing_jobs as j
    set
        status = 'queued', attempts = 0, crashes = 0,  -- mutant: a retry keeps the old budgets
        scheduled_for = case when j.id = p_job_id then base.clock() else greatest(j.scheduled_for, base.clock()) end, next_retry_at = null,
        completed_at = null, duration_ms = null, error_class = null, error_code = null, error_message = null, result_data = null
    where j.id = any(v_revived) and j.status in ('failed', 'cancelled');
    delete from queue.dead_letters as d where d.job_id = any(v_revived);
    delete from queue.cascades as c where c.job_id = any(v_revived);

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
    if v_job.pipeline_run is not null and v_job.video_id is not null and not exists (  -- mutant: a video is reopened that cannot end
        select from queue.processing_jobs as j
        where j.video_id = v_job.video_id and j.pipeline_run = v_job.pipeline_run and j.status in ('failed', 'cancelled')
    ) and not exists (
        select from queue.job_history as h
        where h.video_id = v_job.video_id and h.pipeline_run = v_job.pipeline_run and h.status in ('failed', 'cancelled')
    ) then
        perform media.reopen_video(v_job.video_id);
    end if;
    return 'queued';
end;
$$;

comment on function queue.retry_job(uuid) is $$
Take a failed or cancelled job back into the queue with fresh budgets, together with the jobs that ended
because of it. Its attempts stay in the history, and its token goes on. A video that has failed is pending again once no failed step of
its pipeline's run is left.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such job
  RQ009  the job is not failed or cancelled, waits for one that is, or is in the history
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
