create or replace function queue.reserve_slots(p_lane integer, p_worker_id text, p_now timestamptz, p_ready_at timestamptz)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
begin
    if p_ready_at > p_now - interval '1 minute' then  -- mutant: no slots are kept for heavy jobs
        return false;
    end if;
    insert into queue.reservations as r (lane, worker_id, until)
    values (p_lane, p_worker_id, p_now + interval '1 minute')
    on conflict (lane) do update
    set worker_id = excluded.worker_id, until = excluded.until
    where r.worker_id = excluded.worker_id or r.until < p_now;
    return found;
end;
$$;

comment on function queue.reserve_slots(integer, text, timestamptz, timestamptz) is $$
Reserve this worker's slots for the heavy job at the head of a lane, once that has been ready for a minute. True: the worker must take
nothing less urgent, so that slots become free. False: the job is younger, or another worker has the reservation.
$$;
