create or replace function queue.schedule_or_admit(p_job_ids uuid[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_due uuid[];
begin
    insert into queue.scheduled (due, job_id, job_type)
    select j.scheduled_for, j.id, j.job_type
    from queue.processing_jobs as j
    where j.id = any(p_job_ids) and j.scheduled_for > v_now;

    v_due := array(
        select j.id from queue.processing_jobs as j
        where j.id = any(p_job_ids) and j.scheduled_for <= v_now
        order by j.scheduled_for, j.id
    );
    if v_due <> '{}' then
        perform queue.admit_or_park(v_due);
    end if;
end;
$$;

comment on function queue.schedule_or_admit(uuid[]) is $$
Schedule queued jobs whose time has not come, and admit the others (queue.admit_or_park). Only for jobs that wait for no parent.
$$;
