create or replace function media.finish_video(p_video_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_asset uuid;
    v_status text;
    v_tenant uuid;
begin
    select v.asset_id, v.status
    into v_asset, v_status
    from media.videos as v
    where v.id = p_video_id and v.deleted_at is null and base.may_act_for(v.tenant_id)
    for no key update;

    if v_asset is null then
        raise exception 'no video %', coalesce(p_video_id::text, 'null')
            using errcode = 'RQ004', hint = 'It never was, or it was deleted since the job was made; drop the job.';
    end if;

    if v_status = 'failed' then
        raise exception 'video % must not have failed', p_video_id
            using errcode = 'RQ009', hint = 'Begin again with media.reopen_video, then retry the job that failed.';
    end if;

    if not exists (select from media.variants as r where r.asset_id = v_asset) then
        raise exception 'video % must have a variant', p_video_id
            using errcode = 'RQ009', hint = 'Its jobs have to record what they made with media.put_variant first.';
    end if;

    update media.videos as v
    set
        status = 'ready',
        processing_started_at = coalesce(v.processing_started_at, base.clock()),
        processing_completed_at = base.clock()
    where v.id = p_video_id and v.status <> 'ready'
    returning v.tenant_id into v_tenant;
    if found then
        perform base.emit_event('video.ready', v_tenant, 'video:' || p_video_id, jsonb_build_object('video_id', p_video_id, 'asset_id', v_asset));
    end if;

    update media.assets as a
    set status = 'ready'
    where a.id = v_asset and a.status in ('uploading', 'scanning', 'transcoding', 'failed')
        and a.object_id is not null;
end;
$$;

comment on function media.finish_video(uuid) is $$
The video is ready, and its asset with it. A ready video stays as it is.

Raises
  RQ004  unknown or deleted video
  RQ009  the video has failed, or nothing was made of it
$$;
