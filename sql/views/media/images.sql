create or replace view media.images with (security_invoker = true) as
select
    asset.id,
    asset.tenant_id,
    regexp_replace(object.key collate "default", '^.*/', '') as filename,
    asset.original_filename,
    object.bucket collate "default" as s3_bucket,
    object.key collate "default" as s3_key,
    asset.mime as content_type,
    object.size_bytes as file_size,
    asset.width,
    asset.height,
    asset.created_at as uploaded_at
from media.assets as asset
left join media.objects as object on asset.object_id = object.id
where asset.kind in ('image', 'ai_image') and asset.deleted_at is null;

comment on view media.images is 'Live assets that are pictures.';
comment on column media.images.id is 'The asset.';
comment on column media.images.tenant_id is 'The tenant that owns it.';
comment on column media.images.filename is 'Last part of the key.';
comment on column media.images.original_filename is 'Name that the sender gave.';
comment on column media.images.s3_bucket is 'Store of the object.';
comment on column media.images.s3_key is 'Key of the object.';
comment on column media.images.content_type is 'Media type.';
comment on column media.images.file_size is 'Size in bytes.';
comment on column media.images.width is 'Display width in pixels.';
comment on column media.images.height is 'Display height in pixels.';
comment on column media.images.uploaded_at is 'When the asset was made.';
