create or replace function queue.lock_videos_of(p_job_ids uuid[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
begin
    perform from media.videos as v
    where v.id = any(array(
        select j.video_id from queue.processing_jobs as j
        where j.id = any(p_job_ids) and j.video_id is not null and j.pipeline_run is not null
    ))
    order by v.id for no key update;  -- mutant: a job is locked before its video
    perform from media.videos as v
    where v.id = any(array(
        select j.video_id from queue.processing_jobs as j
        where j.id = any(p_job_ids) and j.video_id is not null and j.pipeline_run is null
    ))
    order by v.id for key share;
end;
$$;

comment on function queue.lock_videos_of(uuid[]) is $$
Lock the videos of jobs, before the jobs themselves are locked: queue.lock_video_of for many. The videos of steps come first, for
a key share waits for none of those.
$$;
