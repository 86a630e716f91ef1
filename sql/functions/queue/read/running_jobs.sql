create or replace function queue.running_jobs()
returns table (
    job_id uuid, job_type text, video_id uuid, title text, worker_id text, token integer, started_at timestamptz,
    beat_at timestamptz, expires_at timestamptz, progress real, stage text, speed real, eta_s real, cancel_requested_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    -- Asked first: a refusal must not hang on whether there is a row to compare.
    v_tenant uuid := queue.visible_tenant();
    v_only uuid := identity.limited_to();
begin
    return query
    select
        l.job_id, l.job_type, j.video_id, v.title, case when base.is_operator() then l.worker_id end, l.token, l.started_at,
        l.beat_at, l.expires_at, l.progress, l.stage, l.speed, l.eta_s, l.cancel_requested_at
    from queue.leases as l
    inner join queue.processing_jobs as j on j.id = l.job_id
    left join media.videos as v on v.id = j.video_id
    where (v_tenant is null or j.tenant_id = v_tenant) and (v_only is null or j.user_id = v_only)
    order by l.worker_id, l.started_at, l.job_id;
end;
$$;

comment on function queue.running_jobs() is $$
What is running now, with progress (0 to 1), speed (media seconds a second) and the seconds that remain. A tenant sees its own, and
not on which worker.

Raises
  RQ004  an application that has set no tenant
$$;
