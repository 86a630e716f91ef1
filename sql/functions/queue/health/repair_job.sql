create or replace function queue.repair_job(p_job_id uuid)
returns text[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_fault text;
    v_mended text[] := '{}';
begin
    if not queue.lock_for_repair(p_job_id) then
        return '{}';
    end if;
    -- One fault at a time: mending it shows the next. Ten are more than there are in a row.
    for v_round in 1..10 loop
        select f.fault into v_fault from queue.find_faults(array[p_job_id]) as f limit 1;
        exit when not found;
        perform queue.repair_fault(p_job_id, v_fault);
        v_mended := v_mended || v_fault;
    end loop;
    return v_mended;
exception
    -- Children of the job are in somebody's hands: all of it is left to the next round.
    when lock_not_available or deadlock_detected then
        return '{}';
end;
$$;

comment on function queue.repair_job(uuid) is $$
Mend all that is wrong with a job, looked at again under its locks; returns the faults. None when somebody else has it in
hand.
$$;
