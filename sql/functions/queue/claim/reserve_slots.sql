create or replace function queue.reserve_slots(p_lane integer, p_worker_id text, p_now timestamptz, p_ready_at timestamptz)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_held queue.reservations;
    v_is_mine boolean;
begin
    if p_ready_at > p_now - interval '1 minute' then  -- mutant: no slots are kept for heavy jobs
        return false;
    end if;
    select * into v_held from queue.reservations as r where r.lane = p_lane and r.until >= p_now;
    v_is_mine := found and v_held.worker_id = p_worker_id;
    if found and (not v_is_mine or v_held.until > p_now + interval '30 seconds') then
        return v_is_mine;
    end if;
    -- Whoever writes a reservation holds the clock of its lane: an insert alone would wait for another session's of the same lane.
    perform from queue.lane_clocks as c where c.lane = p_lane for no key update skip locked;  -- mutant: a reservation waits
    if not found then
        return v_is_mine;
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
nothing less urgent, so that slots become free. False: the job is younger, another worker has the reservation, or another session is at
work on this lane at this moment. Never waits.
$$;
