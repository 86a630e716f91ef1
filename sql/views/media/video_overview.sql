-- security_invoker, or the reader would see with the owner's eyes and the row policies would not hold.
create or replace view media.video_overview with (security_invoker = true) as
select
    video.id as video_id,
    video.tenant_id,
    video.user_id,
    video.asset_id,
    video.title,
    video.status,
    video.error_code,
    video.error_message,
    asset.status as asset_status,
    asset.kind,
    asset.original_filename,
    original.size_bytes,
    asset.duration_seconds,
    asset.width,
    asset.height,
    round(asset.frame_rate_num::numeric / asset.frame_rate_den, 3) as frames_a_second,
    asset.video_codec,
    asset.audio_codec,
    asset.hdr,
    made.renditions,
    made.posters,
    made.variants,
    made.variant_bytes,
    video.created_at,
    video.status_changed_at,
    video.processing_started_at,
    video.processing_completed_at
from media.videos as video
inner join media.assets as asset on video.asset_id = asset.id
left join media.objects as original on asset.object_id = original.id
inner join lateral (
    select
        count(*) filter (where variant.mime like 'video/%' or variant.mime like 'audio/%') as renditions,
        count(*) filter (where variant.profile = 'poster') as posters,
        count(*) as variants,
        coalesce(sum(object.size_bytes), 0) as variant_bytes
    from media.variants as variant
    left join media.objects as object on variant.object_id = object.id
    where variant.asset_id = asset.id
) as made on true
where video.deleted_at is null;

comment on view media.video_overview is 'One row a live video: its state, what was measured of its original, how much was made of it.';
comment on column media.video_overview.video_id is 'The video.';
comment on column media.video_overview.tenant_id is 'The tenant that owns it.';
comment on column media.video_overview.user_id is 'Whose title it is; null when nobody''s in particular.';
comment on column media.video_overview.asset_id is 'Its original file.';
comment on column media.video_overview.title is 'Title.';
comment on column media.video_overview.status is 'Status of the video.';
comment on column media.video_overview.error_code is 'Why it failed, a stable word.';
comment on column media.video_overview.error_message is 'Why it failed, one sentence.';
comment on column media.video_overview.asset_status is 'Status of the asset.';
comment on column media.video_overview.kind is 'What the original turned out to be: video, audio or image.';
comment on column media.video_overview.original_filename is 'Name that the sender gave.';
comment on column media.video_overview.size_bytes is 'Size of the original.';
comment on column media.video_overview.duration_seconds is 'Duration of the original.';
comment on column media.video_overview.width is 'Display width of the original in pixels.';
comment on column media.video_overview.height is 'Display height of the original in pixels.';
comment on column media.video_overview.frames_a_second is 'Frame rate of the original, rounded to 3 places; the exact fraction is on the asset.';
comment on column media.video_overview.video_codec is 'Codec of the original''s picture.';
comment on column media.video_overview.audio_codec is 'Codec of the original''s sound.';
comment on column media.video_overview.hdr is 'Whether the original is of high dynamic range.';
comment on column media.video_overview.renditions is 'Variants to watch or hear.';
comment on column media.video_overview.posters is 'Posters: 1 or 0.';
comment on column media.video_overview.variants is 'All variants, posters included.';
comment on column media.video_overview.variant_bytes is 'Size of all variants together.';
comment on column media.video_overview.created_at is 'When the video was made.';
comment on column media.video_overview.status_changed_at is 'When the status last changed.';
comment on column media.video_overview.processing_started_at is 'When work on it began.';
comment on column media.video_overview.processing_completed_at is 'When it became ready or failed.';
