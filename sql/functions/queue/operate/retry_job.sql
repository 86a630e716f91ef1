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
    v_judged queue.judged_jobs;
    v_parent uuid;
    v_video uuid;
    v_key text;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    perform identity.check_may_write();
    if not queue.may_touch(p_job_id) then
        select h.idempotency_key into v_key from queue.job_history as h where h.id = p_job_id and identity.may_see(h.tenant_id, h.user_id);
        if found then
            raise exception 'job % must not be in the history to be retried', p_job_id
                using errcode = 'RQ009',
                      hint = 'Enqueue a new job to do the work again'
                          || coalesce(format(', under another key: with %L this one is found.', v_key), '.');
        end if;
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list --status failed, or queue.list_jobs(''failed'').';
    end if;
    v_judged := queue.retry_these(array[p_job_id]);
    if v_judged.job_ids = '{}' then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list --status failed, or queue.list_jobs(''failed'').';
    elsif v_judged.reasons[1] in ('queued', 'running') then
        raise exception 'job % must be failed or cancelled to be retried, not %', p_job_id, v_judged.reasons[1]
            using errcode = 'RQ009', hint = 'It is at work already; look with: reelq jobs show';
    elsif v_judged.reasons[1] = 'completed' then
        raise exception 'job % must be failed or cancelled to be retried, not %', p_job_id, v_judged.reasons[1]
            using errcode = 'RQ009', hint = 'Enqueue a new job to do the work again.';
    elsif v_judged.reasons[1] = 'another run is at work' then
        select j.video_id into v_video from queue.processing_jobs as j where j.id = p_job_id;
        raise exception 'video % must not be at work in another run than job %', v_video, p_job_id
            using errcode = 'RQ009', hint = format('Wait for its end, or: select queue.cancel_run(%L);', v_video);
    elsif v_judged.reasons[1] is not null then
        v_parent := queue.archived_parent(p_job_id);
        if v_parent is not null then
            raise exception 'parents of job % must not be in the history, as failed job % is', p_job_id, v_parent
                using errcode = 'RQ009', hint = 'Neither can be retried: enqueue the work anew.';
        end if;
        select d.parent_id into v_parent
        from queue.job_dependencies as d
        where
            d.job_id = p_job_id and not d.satisfied
            and coalesce((select parent.status from queue.processing_jobs as parent where parent.id = d.parent_id), 'gone')
            not in ('queued', 'running', 'completed')
        limit 1;
        raise exception 'parents of job % must have completed or be at work, unlike job %', p_job_id, v_parent
            using errcode = 'RQ009', hint = format('Retry that one: reelq jobs retry %s', v_parent);
    end if;
    perform base.record_act(
        'job.retried', 'job', p_job_id::text, p_tenant_id => (select j.tenant_id from queue.processing_jobs as j where j.id = p_job_id),
        p_facts => jsonb_build_object('job_type', v_judged.job_types[1])
    );
    return 'queued';
end;
$$;

comment on function queue.retry_job(uuid) is $$
Take a failed or cancelled job back into the queue with fresh budgets, together with the jobs that ended
because of it. Its attempts stay in the history, and its token goes on. A video that has failed is pending again once no failed step of
its pipeline's run is left.

Many at once: queue.retry_jobs.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such job
  RQ009  the job is not failed or cancelled, waits for one that is, or is in the history, as a parent of it may be;
         or another run of its video is at work
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
  RQ016  a viewer, who may only look
$$;
