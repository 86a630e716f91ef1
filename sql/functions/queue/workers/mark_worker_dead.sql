create or replace function queue.mark_worker_dead(p_worker_id text)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
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
For a caller that knows that this worker's process is dead: mark it lost and let its leases expire now, so that the next
queue.rescue_expired takes its jobs back at once. If the process lives after all, its next heartbeat extends the leases again. Returns
how many leases it held.
$$;
