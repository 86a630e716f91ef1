create or replace view media.video_urls with (security_invoker = true) as
select
    video.id as video_id,
    video.tenant_id,
    original.bucket collate "default" as original_bucket,
    original.key collate "default" as original_key,
    best.bucket collate "default" as processed_bucket,
    best.key collate "default" as processed_key,
    still.bucket collate "default" as thumbnail_bucket,
    still.key collate "default" as thumbnail_key,
    preview_object.bucket collate "default" as preview_bucket,
    preview_object.key collate "default" as preview_key,
    hls_object.bucket collate "default" as hls_bucket,
    hls_object.key collate "default" as hls_master_key
from media.videos as video
inner join media.assets as asset on video.asset_id = asset.id
left join media.objects as original on asset.object_id = original.id
left join lateral (
    select object.bucket, object.key
    from media.variants as variant
    inner join media.objects as object on variant.object_id = object.id
    where variant.asset_id = asset.id and (variant.profile like 'h264-%' or variant.profile = 'audio-aac')
    order by least(variant.width, variant.height) desc nulls last
    limit 1
) as best on true
left join lateral (
    select object.bucket, object.key
    from media.variants as variant
    inner join media.objects as object on variant.object_id = object.id
    where variant.asset_id = asset.id and variant.profile in ('thumbnail', 'poster')
    order by variant.profile desc
    limit 1
) as still on true
left join media.variants as preview on preview.asset_id = asset.id and preview.profile = 'preview'
left join media.objects as preview_object on preview.object_id = preview_object.id
left join media.variants as hls on hls.asset_id = asset.id and hls.profile = 'hls'
left join media.objects as hls_object on hls.object_id = hls_object.id
where video.deleted_at is null;

comment on view media.video_urls is 'Where the objects of a live video lie, by the names that players ask for. URLs are signed when asked for, never stored.';
comment on column media.video_urls.video_id is 'The video.';
comment on column media.video_urls.tenant_id is 'The tenant that owns it.';
comment on column media.video_urls.original_bucket is 'Store of the original.';
comment on column media.video_urls.original_key is 'Key of the original; null until it is stored.';
comment on column media.video_urls.processed_bucket is 'Store of the largest H.264 rendition, or of the sound where nothing moves.';
comment on column media.video_urls.processed_key is 'Its key; null until there is one.';
comment on column media.video_urls.thumbnail_bucket is 'Store of the thumbnail, else of the poster.';
comment on column media.video_urls.thumbnail_key is 'Its key; null until there is one.';
comment on column media.video_urls.preview_bucket is 'Store of the preview.';
comment on column media.video_urls.preview_key is 'Its key; null until there is one.';
comment on column media.video_urls.hls_bucket is 'Store of the HLS package.';
comment on column media.video_urls.hls_master_key is 'Key of its master playlist; null until there is one.';
