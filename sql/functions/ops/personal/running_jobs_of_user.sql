create or replace function ops.running_jobs_of_user(p_user_id uuid)
returns bigint
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
    select count(distinct l.job_id)
    from (
        select j.id from queue.processing_jobs as j where j.user_id = p_user_id
        union all
        select j.id
        from media.videos as v cross join lateral (select f.* from queue.processing_jobs as f where f.video_id = v.id offset 0) as j
        where v.user_id = p_user_id
        union all
        select j.id
        from media.assets as a cross join lateral (select f.* from queue.processing_jobs as f where f.asset_id = a.id offset 0) as j
        where a.owner_user_id = p_user_id and j.video_id is null
    ) as j
    cross join lateral (select f.job_id from queue.leases as f where f.job_id = j.id offset 0) as l;
$$;

comment on function ops.running_jobs_of_user(uuid) is 'How many jobs of a user run: they may still write objects.';
