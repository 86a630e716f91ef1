create or replace function ops.running_jobs_of_user(p_user_id uuid)
returns bigint
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
    select count(distinct l.job_id)
    from (
        select j.id from queue.processing_jobs as j where j.user_id = p_user_id
        union all
        select j.id
        from media.videos as v inner join queue.processing_jobs as j on j.video_id = v.id
        where v.user_id = p_user_id
        union all
        select j.id
        from media.assets as a inner join queue.processing_jobs as j on j.asset_id = a.id
        where a.owner_user_id = p_user_id and j.video_id is null
    ) as j
    inner join queue.leases as l on l.job_id = j.id;
$$;

comment on function ops.running_jobs_of_user(uuid) is 'How many jobs of a user run: they may still write objects.';
