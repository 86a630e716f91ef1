create or replace function queue.tg_check_manual_update()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_no text[];
begin
    if
        old.status is not distinct from new.status and old.token is not distinct from new.token
        and old.priority is not distinct from new.priority and old.scheduled_for is not distinct from new.scheduled_for
        and old.job_type is not distinct from new.job_type and old.weight is not distinct from new.weight
        and old.needs is not distinct from new.needs and old.tenant_id is not distinct from new.tenant_id
        and old.limits is not distinct from new.limits and old.channel_id is not distinct from new.channel_id
        and old.id is not distinct from new.id
    then
        if new.job_data is distinct from old.job_data then
            v_no := coalesce(
                queue.job_data_refusal(new.job_data),
                (select queue.options_refusal(t.job_type, t.options_schema, new.job_data) from queue.job_types as t where t.job_type = new.job_type)
            );
            if v_no is not null then
                raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
            end if;
        end if;
        return new;
    end if;
    raise exception 'status, token, priority and time of job % must change through the functions of queue only', old.id
        using errcode = 'RQ007',
              hint = $hint$Use queue.cancel_job, queue.retry_job, reelq jobs …; see \df+ queue.*$hint$;
end;
$$;

comment on function queue.tg_check_manual_update() is $$
Trigger before update on queue.processing_jobs, for the owner's own hands. Its WHEN is evaluated where the update
stands, and all our functions pin search_path to pg_catalog, pg_temp, which nobody has who did not mean to. A setting of
our own would tell as much, but only a superuser may put one on a function. For the owner it is a rail against slips. Nobody
else comes this far: no policy of the table is for updates, so that even a role that was granted UPDATE meets no row.

Raises
  RQ007  a change of what the functions look after
  RQ008  job_data that no worker could read, or that its type does not take
$$;

-- Triggers of one kind fire in the order of their names: this one comes before guard_job.
create or replace trigger check_manual_update
before update on queue.processing_jobs
for each row when (current_setting('search_path') <> 'pg_catalog, pg_temp')
execute function queue.tg_check_manual_update();
