create or replace function queue.find_limit_keys(p_job queue.processing_jobs)
returns text[]
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select array_agg(found.limit_key order by found.limit_key)
    from (
        select l.limit_key
        from queue.limits as l
        where l.limit_key = any(
            array['type:' || p_job.job_type, 'tenant:' || p_job.tenant_id]
            || array(select 'name:' || n from unnest(p_job.limits) as n)
        )
        union
        select 'tenant:' || p_job.tenant_id
        from queue.limits as l
        where l.limit_key = 'tenant:*' and p_job.tenant_id is not null
    ) as found;
$$;

comment on function queue.find_limit_keys(queue.processing_jobs) is $$
The limits that a job is under, in order: of its type, its tenant, and those that it names. Null: none.
$$;
