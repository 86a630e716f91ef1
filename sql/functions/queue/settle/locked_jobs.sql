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
begin
    begin
        v_videos := array(
            select v.id from media.videos as v
            where v.id = any(array(
                select j.video_id from queue.processing_jobs as j
                where j.id = any(p_job_ids) and j.pipeline_run is not null and j.video_id is not null
            ))
            for no key update skip locked
        );
        v_jobs := array(select j.id from queue.processing_jobs as j where j.id = any(p_job_ids) for no key update skip locked);
        v_leases := array(select l.job_id from queue.leases as l where l.job_id = any(p_job_ids) for update skip locked);
        -- Raise, so that the block is rolled back and gives up the locks that it took.
        raise exception 'looked' using errcode = 'raise_exception', hint = 'Never leaves this function.';
    exception when raise_exception then
        null;
    end;
    return query
    select j.id
    from queue.processing_jobs as j
    where
        j.id = any(p_job_ids) and (
            not j.id = any(v_jobs)  -- mutant: no job is locked
            or (not j.id = any(v_leases) and exists (select from queue.leases as l where l.job_id = j.id))
            or (j.pipeline_run is not null and j.video_id is not null and not j.video_id = any(v_videos))
        );
end;
$$;

comment on function queue.locked_jobs(uuid[]) is $$
Which of these jobs another session holds at this moment, with its lease or with the video of its run: they cannot be settled before
it ends its transaction. For a worker whose settlement waited for a lock in vain. Waits for nobody, takes no lock that lasts.
$$;
