create or replace function queue.list_schedules()
returns table (
    name text, cron text, time_zone text, tenant text, job_type text, pipeline text, video_id uuid, job_data jsonb, priority integer,
    missed text, paused_at timestamptz, next_run_at timestamptz, last_run_at timestamptz, last_job_id uuid, last_error text,
    last_enqueued_at timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        s.name, s.cron, s.time_zone, t.slug, s.job_type, s.pipeline, s.video_id, s.job_data, s.priority,
        s.missed, s.paused_at, s.next_run_at, s.last_run_at, s.last_job_id, s.last_error,
        s.last_enqueued_at
    from queue.schedules as s
    left join identity.tenants as t on t.id = s.tenant_id
    where base.is_operator() or base.may_act_for(s.tenant_id)
    order by s.name;
$$;

comment on function queue.list_schedules() is $$
All schedules by name; tenant is the slug of whose jobs they make. last_run_at is the tick of the latest run, last_enqueued_at when a worker
came to enqueue it. Whoever acts for a tenant sees those of it.
$$;
