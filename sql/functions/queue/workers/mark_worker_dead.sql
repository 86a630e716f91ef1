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
    perform base.check_read_committed();
    update queue.workers as w set status = 'lost' where w.worker_id = p_worker_id and w.status not in ('stopped', 'lost');
    if found then
        perform queue.tell_lost_workers(array[p_worker_id]);
    end if;
    delete from queue.listening_workers as s where s.worker_id = p_worker_id;
    -- Let them end before the last look for expired leases: so the next one takes them back, even if it first extends all others
    -- because nobody had looked for long.
    update queue.leases as l
    set expires_at = least(
        l.expires_at, base.clock(), (select u.last_run_at from queue.upkeep as u where u.task = 'rescue')
    ) - interval '1 second'
    where l.job_id = any(array(
        select held.job_id from queue.leases as held where held.worker_id = p_worker_id for update skip locked
    ));
    get diagnostics v_leases = row_count;
    return v_leases;
end;
$$;

comment on function queue.mark_worker_dead(text) is $$
For a caller that knows that this worker's process is dead: mark it lost and let its leases be over, so that the next
queue.rescue_expired takes its jobs back at once. If the process lives after all, its next heartbeat extends the leases again. Returns
how many leases it held.
$$;
