create or replace function queue.mark_worker_dead(p_worker_id text)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_leases integer;
begin
    update queue.workers as w set status = 'lost' where w.worker_id = p_worker_id and w.status <> 'stopped';
    delete from queue.listening_workers as s where s.worker_id = p_worker_id;
    update queue.leases as l set expires_at = '-infinity'
    where l.job_id = any(array(
        select held.job_id from queue.leases as held where held.worker_id = p_worker_id for update skip locked
    ));
    get diagnostics v_leases = row_count;
    return v_leases;
end;
$$;

comment on function queue.mark_worker_dead(text) is $$
The caller knows that this worker's process is dead: its leases expire now and the next rescue takes its jobs
back, without waiting for the lease to run out. If it lives after all, its next heartbeat wins the
leases back. Returns how many leases it held.
$$;
