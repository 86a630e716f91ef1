create or replace function queue.soft_delete_video(p_video_id uuid, p_reason text default null)
returns table (jobs bigint, running bigint, purged_after timestamptz)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    v_now timestamptz := base.clock();
    v_asset uuid;
    v_tenant uuid;
    v_title text;
    v_job uuid;
    v_outcome text;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    perform identity.check_may_write('delete');
    perform queue.check_reason(p_reason);
    if exists (select from media.videos as v where v.id = p_video_id and v.deleted_at is null and identity.may_change(v.tenant_id, v.user_id, 'delete')) then
        -- For update: an enqueue holds the video by a key share, and looks again when it has it.
        select v.asset_id, v.tenant_id, v.title into v_asset, v_tenant, v_title
        from media.videos as v where v.id = p_video_id and v.deleted_at is null for update;  -- mutant: a job comes beside a soft delete
    end if;
    if v_asset is null then
        raise exception 'no video %', coalesce(p_video_id::text, 'null') using errcode = 'RQ004', hint = 'Look with: reelq videos list, or media.list_videos().';
    end if;
    -- Failed, without an event: what was not ready has to be run again when it is restored.
    update media.videos as v
    set
        deleted_at = v_now,
        status = case when v.status = 'ready' then v.status else 'failed' end,
        error_code = case when v.status = 'ready' then v.error_code else coalesce(v.error_code, 'cancelled') end,
        error_message = case when v.status = 'ready' then v.error_message else coalesce(v.error_message, 'It was deleted before it was ready.') end,
        processing_completed_at = case when v.status = 'ready' then v.processing_completed_at else coalesce(v.processing_completed_at, v_now) end
    where v.id = p_video_id;
    -- The last reference has gone: the file's retention counts from now on.
    update media.assets as a
    set
        last_used_at = v_now,
        status = case
            when a.status in ('uploading', 'scanning', 'transcoding')
                and not exists (select from media.videos as o where o.asset_id = v_asset and o.deleted_at is null)
                then 'failed'
            else a.status
        end
    where a.id = v_asset;
    update queue.schedules as s set paused_at = v_now where s.video_id = p_video_id and s.paused_at is null;
    jobs := 0;
    running := 0;
    perform from queue.processing_jobs as j where j.video_id = p_video_id and j.status in ('queued', 'running') order by j.id for no key update;
    -- The last first, as queue.cancel_run: whoever is cancelled before those that it waits for is cancelled, and has not failed.
    for v_job in select j.id from queue.processing_jobs as j where j.video_id = p_video_id and j.status in ('queued', 'running') order by j.id desc loop
        v_outcome := (queue.cancel_these(array[v_job], coalesce(p_reason, 'The video was deleted.'))).outcomes[1];
        jobs := jobs + 1;
        running := running + (v_outcome = 'cancelling')::integer;
    end loop;
    purged_after := v_now + queue.setting('keep_deleted_videos')::interval;
    perform base.record_act(
        'video.deleted', 'video', p_video_id::text, jsonb_strip_nulls(jsonb_build_object('id', p_video_id, 'title', v_title)), p_tenant_id => v_tenant,
        p_facts => jsonb_strip_nulls(jsonb_build_object('soft', true, 'jobs', jobs, 'running', running, 'reason', p_reason))
    );
    return next;
end;
$$;

comment on function queue.soft_delete_video(uuid, text) is $$
Delete a video so that it can be brought back (queue.restore_video): nobody finds it any more, nothing is enqueued for it, its queued jobs are cancelled and
its running ones stop within seconds, its schedules are paused, its idempotency key is free. Its file's retention counts from now on. Links that
were signed live on for their ten minutes. The upkeep deletes it for good after the setting keep_deleted_videos.

Returns
  jobs          how many jobs were cancelled, of which
  running       so many ran and are told to stop
  purged_after  when it goes for good

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such video
  RQ008  the reason is too long
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
  RQ016  a viewer, who may only look, or the key of this session has no scope delete
$$;
