create or replace function queue.lock_running_job(p_job_id uuid, p_token integer)
returns queue.processing_jobs
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_job queue.processing_jobs;
begin
    perform base.check_read_committed();
    if row_security_active('queue.processing_jobs') then
        perform queue.check_sees_jobs();
    end if;
    perform queue.lock_video_of(p_job_id);
    select * into v_job from queue.processing_jobs as j where j.id = p_job_id for no key update;
    -- The token is the fence: a worker that slept through its lease comes back with an old number
    -- and must not overwrite its successor's work.
    if not found or v_job.status <> 'running' or v_job.token is distinct from p_token then  -- mutant: fence removed
        raise exception 'job % must be running under token %, not %',
            p_job_id, p_token, coalesce(v_job.status || ' under token ' || v_job.token, 'gone')
            using errcode = 'RQ001', hint = 'Drop the result: the job was taken back, cancelled or finished.';
    end if;
    return v_job;
end;
$$;

comment on function queue.lock_running_job(uuid, integer) is $$
Lock the row of a job that runs under this token, until the end of the transaction.

Raises
  RQ001  lease lost
  RQ002  the caller is not READ COMMITTED
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
