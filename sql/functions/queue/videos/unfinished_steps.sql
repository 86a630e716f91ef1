create or replace function queue.unfinished_steps(p_video_id uuid)
returns table (job_id uuid, pipeline_run uuid, step text, status text)
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
    select j.id, j.pipeline_run, j.pipeline_step, j.status
    from queue.processing_jobs as j
    where j.video_id = p_video_id and j.pipeline_run is not null and j.status in ('queued', 'running')
    order by j.id;
$$;

comment on function queue.unfinished_steps(uuid) is $$
The steps of a video's pipeline runs that are queued or running.
$$;
