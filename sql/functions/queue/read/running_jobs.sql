create or replace function queue.running_jobs()
returns table (
    job_id uuid, job_type text, video_id uuid, title text, worker_id text, token integer, started_at timestamptz,
    beat_at timestamptz, expires_at timestamptz, progress real, stage text, speed real, eta_s real, cancel_requested_at timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        l.job_id, l.job_type, j.video_id, v.title, l.worker_id, l.token, l.started_at,
        l.beat_at, l.expires_at, l.progress, l.stage, l.speed, l.eta_s, l.cancel_requested_at
    from queue.leases as l
    inner join queue.processing_jobs as j on j.id = l.job_id
    left join media.videos as v on v.id = j.video_id
    where queue.visible_tenant() is null or j.tenant_id = queue.visible_tenant()
    order by l.worker_id, l.started_at, l.job_id;
$$;

comment on function queue.running_jobs() is $$
What is running now, with progress (0 to 1), speed (media seconds a second) and the seconds that remain.
$$;
