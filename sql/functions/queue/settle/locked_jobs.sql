create or replace function queue.locked_jobs(p_job_ids uuid[])
returns setof uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_jobs uuid[];
    v_leases uuid[];
    v_videos uuid[];
    v_roots uuid[];
    v_below uuid[];
    v_falls boolean[];
    v_records uuid[];
    v_places uuid[];
    v_held uuid[];
    v_stuck uuid[];
begin
    -- Who waits for them, and is moved as they are settled; of those that fall with one also who waits for these.
    with recursive below (root, id, falls) as (
        select d.* from unnest(p_job_ids) as p (id)
        cross join lateral (
            select e.parent_id, e.job_id, e.on_failure <> 'run' from queue.job_dependencies as e
            where e.parent_id = p.id and not e.satisfied limit 2000
        ) as d
        union
        select up.root, d.job_id, d.falls from below as up
        cross join lateral (
            select e.job_id, e.on_failure <> 'run' as falls from queue.job_dependencies as e
            where up.falls and e.parent_id = up.id and not e.satisfied
            offset 0
        ) as d
    )
    select array_agg(b.root), array_agg(b.id), array_agg(b.falls) into v_roots, v_below, v_falls
    from (select one.* from below as one limit 10000) as b;
    v_records := array(select distinct b.id from unnest(v_below, v_falls) as b (id, falls) where b.falls);
    begin
        v_videos := array(
            select v.id from media.videos as v
            where v.id = any(array(
                select j.video_id from queue.processing_jobs as j
                where j.id = any(p_job_ids || v_records) and j.pipeline_run is not null and j.video_id is not null
            ))
            for no key update skip locked
        );
        v_jobs := array(select j.id from queue.processing_jobs as j where j.id = any(p_job_ids || v_records) for no key update skip locked);
        v_leases := array(select l.job_id from queue.leases as l where l.job_id = any(p_job_ids) for update skip locked);
        v_places := array(select b.job_id from queue.blocked as b where b.job_id = any(v_below) for update skip locked);
        -- Raise, so that the block is rolled back and gives up the locks that it took.
        raise exception 'looked' using errcode = 'raise_exception', hint = 'Never leaves this function.';
    exception when raise_exception then
        null;
    end;
    v_held := array(
        select w.id
        from (select unnest(v_below) except select unnest(v_places)) as w (id)
        where (select true from queue.blocked as b where b.job_id = w.id)  -- mutant: no place of a child is locked
        union all
        select w.id
        from (select unnest(v_records) except select unnest(v_jobs)) as w (id)
        where (select true from queue.processing_jobs as j where j.id = w.id)  -- mutant: no record of a child is locked
        union all
        select j.id
        from unnest(v_records) as w (id)
        inner join queue.processing_jobs as j on j.id = w.id
        where j.pipeline_run is not null and j.video_id is not null and (j.video_id in (select unnest(v_videos))) is not true  -- mutant: no video of a child is locked
    );
    -- `is true`, here and above: then the list is hashed, and not read for each of ten thousand.
    v_stuck := array(
        select distinct b.root from unnest(v_roots, v_below) as b (root, id) where (b.id in (select unnest(v_held))) is true
    );
    return query
    select j.id
    from queue.processing_jobs as j
    where
        j.id = any(p_job_ids) and (
            not j.id = any(v_jobs)  -- mutant: no job is locked
            or (not j.id = any(v_leases) and exists (select from queue.leases as l where l.job_id = j.id))
            or (j.pipeline_run is not null and j.video_id is not null and not j.video_id = any(v_videos))
            or j.id = any(v_stuck)
        );
end;
$$;

comment on function queue.locked_jobs(uuid[]) is $$
Which of these jobs another session holds at this moment, with its lease, with the video of its run or with a job that waits for it and
moves or falls with it: they cannot be settled before it ends its transaction. For a worker whose settlement waited for a lock in vain. Looks
at 10,000 jobs that wait at most, and 2,000 for each. Waits for nobody, takes no lock that lasts.
$$;
