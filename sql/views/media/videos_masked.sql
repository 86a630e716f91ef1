create or replace view media.videos_masked with (security_barrier = true) as
select
    v.id, v.tenant_id, v.user_id, v.asset_id, v.status, base.mask_text(v.title) as title, v.category, v.maturity_rating, v.publish_status, v.scheduled_publish_at,
    v.published_at, v.monetization_status, v.quality_score, v.copyright_check_status, v.error_code, base.mask_message(v.error_message) as error_message,
    v.processing_started_at, v.processing_completed_at, v.created_at, v.updated_at, v.status_changed_at, v.deleted_at
from media.videos as v
where (select base.is_support()) and ((select base.current_tenant()) is null or v.tenant_id = (select base.current_tenant()));

comment on view media.videos_masked is 'Videos for support: how they stand and why, without what somebody wrote. For reelq_support; all tenants, or the one in reelq.tenant_id.';
