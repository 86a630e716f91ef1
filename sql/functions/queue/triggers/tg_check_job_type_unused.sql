create or replace function queue.tg_check_job_type_unused()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Lanes first: whoever enqueues a job of a new type makes its lane, so that deleting or renaming the type waits for that.
    if (tg_op = 'DELETE' or new.job_type <> old.job_type)
        and (
            exists (select from queue.lanes as l where l.job_type = old.job_type)
            or exists (select from queue.processing_jobs as j where j.job_type = old.job_type)
        ) then
        raise exception 'job type % must have had no jobs to be deleted or renamed', old.job_type
            using errcode = 'RQ009', hint = 'Keep the type, and let no worker take it: reelq worker run --types …';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end;
$$;

comment on function queue.tg_check_job_type_unused() is $$
Trigger before delete and before a change of the name on queue.job_types: a type stays as it is called once there have been jobs of it,
whatever their state. Reads the table of jobs where there is no lane of the type, which is rare.

Raises
  RQ009  there are or were jobs of the type
$$;

create or replace trigger check_job_type_unused
before delete or update of job_type on queue.job_types
for each row execute function queue.tg_check_job_type_unused();
