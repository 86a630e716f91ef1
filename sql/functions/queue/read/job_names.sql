create or replace function queue.job_names(p_job_ids uuid[])
returns table (job_id uuid, tenant text, title text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select w.id, t.slug, v.title
    from unnest(p_job_ids) as w (id)
    -- One probe a job: its record, else the history.
    cross join lateral (
        select j.tenant_id, j.video_id, j.user_id from queue.processing_jobs as j where j.id = w.id
        union all
        select h.tenant_id, h.video_id, h.user_id from queue.job_history as h where h.id = w.id
        limit 1
    ) as j
    left join identity.tenants as t on t.id = j.tenant_id
    left join media.videos as v on v.id = j.video_id
    where identity.may_see(j.tenant_id, j.user_id);
$$;

comment on function queue.job_names(uuid[]) is $$
What people call the tenant and the video of jobs: slug and title. For lists; jobs that are not the caller's are left out.
$$;
