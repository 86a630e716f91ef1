create or replace function queue.refuse_handwork()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    raise exception 'status, token, priority and time of job % change only through the functions of queue', old.id
        using errcode = 'RQ007',
              hint = 'Use queue.cancel_job, queue.retry_job, reelq jobs …; see \df+ queue.*';
end;
$$;

comment on function queue.refuse_handwork() is $$
Trigger before update on queue.processing_jobs, for writers that are none of our functions. Its WHEN is
evaluated where the update stands, and all our functions pin search_path to nothing. A setting of our own
would tell as much, but only a superuser may put one on a function. A rail against slips, not a lock.

Raises
  RQ007  always
$$;

-- Triggers fire by name: this one before guard_job.
create or replace trigger by_hand
before update on queue.processing_jobs
for each row
when (
    current_setting('search_path') <> '""'
    and (
        old.status is distinct from new.status or old.token is distinct from new.token
        or old.priority is distinct from new.priority or old.scheduled_for is distinct from new.scheduled_for
        or old.job_type is distinct from new.job_type or old.weight is distinct from new.weight
        or old.needs is distinct from new.needs or old.tenant_id is distinct from new.tenant_id
        or old.id is distinct from new.id
    )
)
execute function queue.refuse_handwork();
