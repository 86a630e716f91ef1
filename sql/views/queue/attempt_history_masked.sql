create or replace view queue.attempt_history_masked with (security_barrier = true) as
select
    t.job_id, t.attempt, j.tenant_id, j.user_id, t.job_type, t.worker_id, t.started_at, t.ended_at, t.outcome, t.error_class, t.code,
    base.mask_message(t.message) as message, t.cpu_seconds, t.peak_memory_bytes, t.created_at
from queue.attempt_history as t
inner join queue.job_history as j on j.id = t.job_id
where (select base.is_support()) and ((select base.current_tenant()) is null or j.tenant_id = (select base.current_tenant()));

comment on view queue.attempt_history_masked is 'Attempts of archived jobs for support: outcome and message, without stack, stderr and log. For reelq_support; all tenants, or the one in reelq.tenant_id.';
