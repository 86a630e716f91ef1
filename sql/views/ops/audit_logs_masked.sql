create or replace view ops.audit_logs_masked with (security_barrier = true) as
select
    a.id, a.tenant_id, a.actor_kind, a.user_id, a.api_key_id, a.subject_user_id, a.request_id, a.action, a.entity_type,
    base.mask_message(a.entity_id) as entity_id, a.risk_score, a.redacted_at, a.created_at
from ops.audit_logs as a
where (select base.is_support()) and ((select base.current_tenant()) is null or a.tenant_id = (select base.current_tenant()));

comment on view ops.audit_logs_masked is 'The audit for support: what was done by whom to what, by ids, without values and addresses. For reelq_support; all tenants, or the one in reelq.tenant_id.';
