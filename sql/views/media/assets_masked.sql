create or replace view media.assets_masked with (security_barrier = true) as
select
    a.id, a.tenant_id, a.owner_user_id, a.kind, a.source, base.mask_url(a.source_url) as source_url, base.mask_text(a.original_filename) as original_filename,
    a.status, o.bucket collate "default" as bucket, o.key collate "default" as key, o.size_bytes, a.mime, a.container, a.duration_seconds, a.width, a.height, a.rotation, a.frame_rate_num, a.frame_rate_den,
    a.bit_rate, a.video_codec, a.pixel_format, a.color_transfer, a.hdr, a.audio_codec, a.audio_channels, a.retention_class, a.retention_until, o.storage_class,
    a.last_used_at, a.created_at, a.updated_at, a.status_changed_at, a.deleted_at
from media.assets as a
left join media.objects as o on a.object_id = o.id
where (select base.is_support()) and ((select base.current_tenant()) is null or a.tenant_id = (select base.current_tenant()));

comment on view media.assets_masked is 'Files for support: what was measured, without names and addresses. For reelq_support; all tenants, or the one in reelq.tenant_id.';
