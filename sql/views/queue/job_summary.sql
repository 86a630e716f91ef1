create or replace view queue.job_summary
with (security_invoker = true) as
select
    j.id,
    j.job_type,
    j.status,
    case
        when j.status <> 'queued' then j.status
        when ready.job_id is not null then 'ready'
        when blocked.job_id is not null then 'blocked'
        when parked.job_id is not null then 'parked'
        when j.next_retry_at is not null then 'backing off'
        else 'scheduled'
    end as place,
    j.priority,
    j.attempts,
    j.max_attempts,
    j.token,
    j.tenant_id,
    j.video_id,
    j.pipeline_step,
    case when (select base.is_operator()) then j.worker_id end as worker_id,
    lease.progress,
    lease.stage,
    lease.eta_s,
    j.scheduled_for,
    j.created_at,
    j.started_at,
    j.completed_at,
    j.error_class,
    j.error_code,
    j.error_message,
    parked.gate
from queue.processing_jobs as j
left join queue.ready as ready on ready.job_id = j.id
left join queue.blocked as blocked on blocked.job_id = j.id
left join queue.parked as parked on parked.job_id = j.id
left join queue.leases as lease on lease.job_id = j.id;

comment on view queue.job_summary is $$
A job on one line: its record, where a queued one waits (place), behind which gate a parked one does, and the progress of a
running one. worker_id is for operators, and null for whoever is none.
$$;
