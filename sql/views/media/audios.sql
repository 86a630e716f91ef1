create or replace view media.audios with (security_invoker = true) as
select
    asset.id,
    asset.tenant_id,
    regexp_replace(object.key collate "default", '^.*/', '') as filename,
    asset.original_filename,
    object.bucket collate "default" as s3_bucket,
    object.key collate "default" as s3_key,
    asset.mime as content_type,
    object.size_bytes as file_size,
    asset.duration_seconds as duration,
    asset.bit_rate as bitrate,
    asset.audio_sample_rate_hz as sample_rate,
    asset.audio_channels as channels,
    asset.created_at as uploaded_at
from media.assets as asset
left join media.objects as object on asset.object_id = object.id
where asset.kind in ('audio', 'ai_audio') and asset.deleted_at is null;

comment on view media.audios is 'Live assets that are sound.';
comment on column media.audios.id is 'The asset.';
comment on column media.audios.tenant_id is 'The tenant that owns it.';
comment on column media.audios.filename is 'Last part of the key.';
comment on column media.audios.original_filename is 'Name that the sender gave.';
comment on column media.audios.s3_bucket is 'Store of the object.';
comment on column media.audios.s3_key is 'Key of the object.';
comment on column media.audios.content_type is 'Media type.';
comment on column media.audios.file_size is 'Size in bytes.';
comment on column media.audios.duration is 'Duration in seconds.';
comment on column media.audios.bitrate is 'Bits a second.';
comment on column media.audios.sample_rate is 'Samples a second.';
comment on column media.audios.channels is 'Channels.';
comment on column media.audios.uploaded_at is 'When the asset was made.';
