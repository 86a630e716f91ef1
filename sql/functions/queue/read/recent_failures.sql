create or replace function queue.recent_failures(p_limit integer default 20)
returns table (
    job_id uuid, job_type text, video_id uuid, failed_at timestamptz, attempts integer, worker_id text,
    error_class text, error_code text, error_message text
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
        d.job_id, d.job_type, j.video_id, d.failed_at, j.token, case when base.is_operator() then j.worker_id end, j.error_class, j.error_code, j.error_message
    from queue.dead_letters as d
    inner join queue.processing_jobs as j on j.id = d.job_id
    where
        (v_tenant is null or j.tenant_id = v_tenant) and (v_only is null or j.user_id = v_only)
        and j.error_code is distinct from 'parent_failed'
    order by d.failed_at desc
    limit greatest(p_limit, 0);
end;
$$;

comment on function queue.recent_failures(integer) is $$
Jobs that failed for good of themselves, latest first; those that only followed a parent are left out. attempts counts
all that were started.
$$;
