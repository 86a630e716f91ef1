create or replace function queue.rerun_video(p_video_id uuid, p_pipeline text default null, p_options jsonb default '{}')
returns table (step text, job_id uuid)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    v_stored boolean;
    v_pipeline text := p_pipeline;
    v_options jsonb := p_options;
    v_steps text;
    v_step text;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    perform identity.check_may_write();
    -- Whose it is gets asked before the row is waited for. Then for this session alone: two reruns side by side would each see no other.
    if exists (select from media.videos as v where v.id = p_video_id and v.deleted_at is null and identity.may_change(v.tenant_id, v.user_id)) then
        -- The tenant before its video, for the jobs that come: in the order in which a tenant is deleted.
        perform from identity.tenants as t where t.id = (select v.tenant_id from media.videos as v where v.id = p_video_id) for key share;  -- mutant: a rerun locks the video before the tenant
        select a.object_id is not null into v_stored
        from media.videos as v inner join media.assets as a on a.id = v.asset_id
        where v.id = p_video_id and v.deleted_at is null for no key update of v;  -- mutant: two reruns at a time
    end if;
    if v_stored is null then
        raise exception 'no video %', coalesce(p_video_id::text, 'null') using errcode = 'RQ004', hint = 'Look with: reelq videos list, or media.list_videos().';
    end if;

    select string_agg(coalesce(u.step, 'a job') || ' ' || u.status, ', ' order by u.job_id) into v_steps from queue.unfinished_steps(p_video_id) as u;
    if v_steps is not null then
        raise exception 'video % must not be at work to be run again: %', p_video_id, v_steps
            using errcode = 'RQ009', hint = format('Wait for its end, or: select queue.cancel_run(%L); reelq videos rerun --force does so.', p_video_id);
    end if;

    if v_pipeline is null then
        -- The latest run's: ids grow with time.
        v_pipeline := coalesce(
            (
                select queue.pipeline_of_key(j.idempotency_key) from queue.processing_jobs as j
                where j.video_id = p_video_id and j.pipeline_run is not null and queue.pipeline_of_key(j.idempotency_key) is not null
                order by j.id desc limit 1  -- mutant: a rerun takes the first run's pipeline
            ),
            (
                select queue.pipeline_of_key(h.idempotency_key) from queue.job_history as h
                where h.video_id = p_video_id and h.pipeline_run is not null and queue.pipeline_of_key(h.idempotency_key) is not null
                order by h.id desc limit 1
            ),
            'standard'
        );
    end if;
    if v_stored and jsonb_typeof(v_options) = 'object' then
        -- The original is in the store: its source may be gone long since.
        for v_step in select s.step from queue.pipeline_steps as s where s.pipeline = v_pipeline and s.job_type = 'download_video' loop
            if coalesce(jsonb_typeof(v_options -> v_step), 'object') = 'object' then
                v_options := v_options || jsonb_build_object(v_step, jsonb_build_object('refetch', false) || coalesce(v_options -> v_step, '{}'));  -- mutant: a rerun fetches what it has
            end if;
        end loop;
    end if;
    perform media.reopen_video(p_video_id);
    perform base.record_act(
        'video.rerun', 'video', p_video_id::text, p_tenant_id => (select v.tenant_id from media.videos as v where v.id = p_video_id),
        p_facts => jsonb_build_object('pipeline', v_pipeline)
    );
    return query
    select made.step, made.job_id
    from queue.enqueue_pipeline(v_pipeline, p_video_id, v_options, base.uuid_v7()::text) as made;
end;
$$;

comment on function queue.rerun_video(uuid, text, jsonb) is $$
Run a pipeline for a video again. Returns the steps and their jobs.

A failed video is pending again. A ready one stays ready and is served from what it has: each variant that the run makes takes the
place of the one of its profile, in the transaction that completes the job; profiles that it does not make stay. If the run fails, a ready
video stays ready, and only the jobs tell. An original that is stored is not fetched again, unless the option <step>.refetch says so.

Arguments
  p_pipeline  null: that of the latest run, else standard
  p_options   as of queue.enqueue_pipeline; those of an earlier run are not taken over

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such video or pipeline
  RQ008  options make no sense
  RQ009  steps of an earlier run are queued or running
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
  RQ012  the tenant is not active
  RQ016  a viewer, who may only look
$$;
