create or replace function media.reopen_video(p_video_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_asset uuid;
begin
    if not exists (
        select
        from media.videos as v
        where v.id = p_video_id and v.deleted_at is null and base.may_act_for(v.tenant_id)
    ) then
        raise exception 'no video %', coalesce(p_video_id::text, 'null')
            using errcode = 'RQ004', hint = 'Look with: reelq videos list, or media.list_videos().';
    end if;

    update media.videos as v
    set
        status = 'pending',
        error_code = null,
        error_message = null,
        error_details = null,
        processing_started_at = null,
        processing_completed_at = null
    where v.id = p_video_id and v.status = 'failed'
    returning v.asset_id into v_asset;

    update media.assets as a
    set status = case when a.object_id is null then 'uploading' else 'transcoding' end
    where a.id = v_asset and a.status = 'failed';
end;
$$;

comment on function media.reopen_video(uuid) is $$
A failed video is pending again, for a retry by hand. Any other stays as it is.

Raises
  RQ004  unknown or deleted video
$$;
