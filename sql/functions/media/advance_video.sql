create or replace function media.advance_video(p_video_id uuid, p_status text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_status is null or p_status not in ('downloading', 'processing', 'compressing', 'uploading') then
        raise exception 'status must be downloading, processing, compressing or uploading, not %', coalesce(quote_literal(left(p_status, 80)), 'null')
            using errcode = 'RQ008', hint = 'The status ready is for media.finish_video, '
                || 'failed for media.fail_video.';
    end if;

    -- Jobs of one pipeline run side by side, so a late call is no error: it matches no row.
    update media.videos as v
    set
        status = p_status,
        processing_started_at = coalesce(v.processing_started_at, base.clock())
    where
        v.id = p_video_id
        and media.video_rank(v.status) < media.video_rank(p_status)
        and v.deleted_at is null
        and base.may_act_for(v.tenant_id);
end;
$$;

comment on function media.advance_video(uuid, text) is $$
Move a video forward in pending < downloading < processing < compressing < uploading.

Changes and writes nothing when the video is there already or further, has failed,
is deleted, or does not exist.

Raises
  RQ008  not one of downloading, processing, compressing, uploading
$$;
