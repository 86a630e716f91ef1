create or replace function queue.restore_video(p_video_id uuid)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
    v_status text;
begin
    perform base.check_read_committed();
    perform identity.check_may_write();
    if exists (select from media.videos as v where v.id = p_video_id and v.deleted_at is not null and identity.may_change(v.tenant_id, v.user_id)) then
        select v.tenant_id, v.status into v_tenant, v_status
        from media.videos as v where v.id = p_video_id and v.deleted_at is not null for no key update;
    end if;
    if v_tenant is null then
        raise exception 'no deleted video %', coalesce(p_video_id::text, 'null')
            using errcode = 'RQ004', hint = 'It may live, or have been deleted for good: reelq videos list --deleted';
    end if;
    begin
        update media.videos as v set deleted_at = null where v.id = p_video_id;
    exception when unique_violation then
        raise exception 'idempotency key of video % must be free, and another video has it by now', p_video_id
            using errcode = 'RQ009', hint = 'Delete the other one first, or keep that: it was brought in with the same key.';
    end;
    update media.assets as a set last_used_at = base.clock() where a.id = (select v.asset_id from media.videos as v where v.id = p_video_id);
    perform base.record_act('video.restored', 'video', p_video_id::text, p_tenant_id => v_tenant);
    return v_status;
end;
$$;

comment on function queue.restore_video(uuid) is $$
Bring back a soft-deleted video. Returns its status: ready, or failed when it was not ready as it was deleted; then queue.rerun_video makes it. Jobs stay
cancelled, schedules paused.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such deleted video
  RQ009  another video has its idempotency key by now
  RQ016  a viewer, who may only look
$$;
