create or replace function queue.lock_queued_job(p_job_id uuid)
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
    select * into v_job from queue.processing_jobs as j where j.id = p_job_id for no key update;
    -- Whoever makes a job ready because its time has come or its last parent has completed does not lock the record. So lock its place
    -- too, in the order in which a job moves: one that moves meanwhile is found at its next place.
    perform from queue.blocked as b where b.job_id = p_job_id for update;
    perform from queue.scheduled as s where s.due = v_job.scheduled_for and s.job_id = p_job_id for update;
    perform from queue.parked as p where p.job_id = p_job_id for update;
    perform from queue.ready as r where r.job_id = p_job_id for update;
    return v_job;
end;
$$;

comment on function queue.lock_queued_job(uuid) is $$
Lock a job and then the place where it stands, until the end of the transaction; returns the job, as it is now. Null: there is none.
$$;
