create or replace function queue.advance_video(p_job_id uuid, p_token integer, p_status text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_job queue.processing_jobs := queue.lock_running_job(p_job_id, p_token);
begin
    perform media.advance_video(v_job.video_id, p_status);
end;
$$;

comment on function queue.advance_video(uuid, integer, text) is $$
A running job tells how far its video is (see media.advance_video), under its fencing token.

Raises
  RQ001  lease lost
  RQ008  unknown status
$$;
