create or replace function queue.lock_video_of(p_job_id uuid)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_job record;
begin
    select j.video_id, j.pipeline_run into v_job from queue.processing_jobs as j where j.id = p_job_id;
    if v_job.video_id is null then
        return;
    elsif v_job.pipeline_run is null then
        perform from media.videos as v where v.id = v_job.video_id for key share;
    else
        perform from media.videos as v where v.id = v_job.video_id for no key update;
    end if;
end;
$$;

comment on function queue.lock_video_of(uuid) is $$
Lock the video of a job, before the job itself is locked: that is the order in which a video is deleted. The step of a pipeline may
end the video, so it locks it for itself. See docs/design/locks.md.
$$;
