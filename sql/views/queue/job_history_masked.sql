create or replace view queue.job_history_masked with (security_barrier = true) as
select
    j.id, j.tenant_id, j.user_id, j.video_id, j.asset_id, j.job_type, j.priority, j.status, j.status_changed_at, j.scheduled_for, j.attempts, j.max_attempts,
    j.crashes, j.max_crashes, j.worker_id, j.started_at, j.completed_at, j.duration_ms, j.next_retry_at, j.error_class, j.error_code,
    base.mask_message(j.error_message) as error_message, j.depends_on, j.on_parent_failure, j.pipeline_run, j.pipeline_step, j.created_at, j.updated_at
from queue.job_history as j
where (select base.is_support()) and ((select base.current_tenant()) is null or j.tenant_id = (select base.current_tenant()));

comment on view queue.job_history_masked is 'Jobs for support, those that are archived: how they stand and what went wrong, without arguments and results. For reelq_support; all tenants, or the one in reelq.tenant_id.';
