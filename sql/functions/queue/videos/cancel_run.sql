create or replace function queue.cancel_run(p_video_id uuid, p_reason text default null)
returns table (job_id uuid, step text, status text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    v_job record;
    v_count integer := 0;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    perform identity.check_may_write();
    perform queue.check_reason(p_reason);
    if not exists (select from media.videos as v where v.id = p_video_id and v.deleted_at is null and identity.may_change(v.tenant_id, v.user_id)) then
        raise exception 'no video %', coalesce(p_video_id::text, 'null') using errcode = 'RQ004', hint = 'Look with: reelq videos list, or media.list_videos().';
    end if;
    perform from media.videos as v where v.id = p_video_id for no key update;
    perform from queue.processing_jobs as j where j.id = any(array(select u.job_id from queue.unfinished_steps(p_video_id) as u)) order by j.id for no key update;
    -- The last first: whoever is cancelled before those that it waits for is cancelled, and has not failed.
    for v_job in select u.* from queue.unfinished_steps(p_video_id) as u order by u.job_id desc loop
        job_id := v_job.job_id;
        step := v_job.step;
        select j.status into status from queue.processing_jobs as j where j.id = v_job.job_id;
        if status in ('queued', 'running') then
            status := (queue.cancel_these(array[v_job.job_id], p_reason)).outcomes[1];
            v_count := v_count + 1;
        end if;
        return next;
    end loop;
    if v_count > 0 then
        perform base.record_act(
            'run.cancelled', 'video', p_video_id::text, p_tenant_id => (select v.tenant_id from media.videos as v where v.id = p_video_id),
            p_facts => jsonb_strip_nulls(jsonb_build_object('jobs', v_count, 'reason', p_reason))
        );
    end if;
end;
$$;

comment on function queue.cancel_run(uuid, text) is $$
Cancel what is queued or running of a video's pipeline runs, and return what became of each step: cancelled, or cancelling for one that runs and
stops within seconds. The video is failed ("cancelled") unless it was ready. A video without such steps: no row.

Arguments
  p_reason  kept with the jobs; at most 2,000 characters

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such video
  RQ008  the reason is too long
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
  RQ016  a viewer, who may only look
$$;
