create or replace function queue.repair_job(p_job_id uuid)
returns text[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_fault text;
    v_repaired text[] := '{}';
begin
    if not queue.lock_for_repair(p_job_id) then
        return '{}';
    end if;
    -- Repair one fault at a time, as each repair may uncover the next. Ten rounds are more than any job needs.
    for v_round in 1..10 loop
        select f.fault into v_fault from queue.find_faults(array[p_job_id]) as f limit 1;
        exit when not found;
        perform queue.repair_fault(p_job_id, v_fault);
        v_repaired := v_repaired || v_fault;
    end loop;
    return v_repaired;
exception
    -- Another session holds locks on children of the job: undo all of it and leave the job to the next call.
    when lock_not_available or deadlock_detected then
        return '{}';
end;
$$;

comment on function queue.repair_job(uuid) is $$
Repair all that is wrong with a job, which is looked at again under its locks; returns the faults. None when another session
has locked it.
$$;
