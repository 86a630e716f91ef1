create or replace view queue.history_summary
with (security_invoker = true) as
select
    h.id,
    h.job_type,
    h.status,
    h.status as place,
    h.priority,
    h.attempts,
    h.max_attempts,
    h.token,
    h.tenant_id,
    h.video_id,
    h.pipeline_step,
    case when (select base.is_operator()) then h.worker_id end as worker_id,
    null::real as progress,
    null::text as stage,
    null::real as eta_s,
    h.scheduled_for,
    h.created_at,
    h.started_at,
    h.completed_at,
    h.error_class,
    h.error_code,
    h.error_message,
    null::text as gate
from queue.job_history as h;

comment on view queue.history_summary is $$
An archived job on one line: the columns of queue.job_summary.
$$;
