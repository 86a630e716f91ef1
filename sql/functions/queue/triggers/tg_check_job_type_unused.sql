create or replace function queue.tg_check_job_type_unused()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from queue.processing_jobs as j where j.job_type = old.job_type) then
        raise exception 'job type % must have no jobs to be deleted', old.job_type
            using errcode = 'RQ009', hint = 'Keep the type, and let no worker take it: reelq worker run --types …';
    end if;
    return old;
end;
$$;

comment on function queue.tg_check_job_type_unused() is $$
Trigger before delete on queue.job_types: a type stays while there are jobs of it, whatever their state. Reads the
table of jobs, which is rare.

Raises
  RQ009  there are jobs of the type
$$;

create or replace trigger check_job_type_unused
before delete on queue.job_types
for each row execute function queue.tg_check_job_type_unused();
