create or replace view media.documents with (security_invoker = true) as
select
    asset.id,
    asset.tenant_id,
    regexp_replace(object.key collate "default", '^.*/', '') as filename,
    asset.original_filename,
    object.bucket collate "default" as s3_bucket,
    object.key collate "default" as s3_key,
    asset.mime as content_type,
    object.size_bytes as file_size,
    asset.created_at as uploaded_at
from media.assets as asset
left join media.objects as object on asset.object_id = object.id
where asset.kind = 'document' and asset.deleted_at is null;

comment on view media.documents is 'Live assets that are documents.';
comment on column media.documents.id is 'The asset.';
comment on column media.documents.tenant_id is 'The tenant that owns it.';
comment on column media.documents.filename is 'Last part of the key.';
comment on column media.documents.original_filename is 'Name that the sender gave.';
comment on column media.documents.s3_bucket is 'Store of the object.';
comment on column media.documents.s3_key is 'Key of the object.';
comment on column media.documents.content_type is 'Media type.';
comment on column media.documents.file_size is 'Size in bytes.';
comment on column media.documents.uploaded_at is 'When the asset was made.';
