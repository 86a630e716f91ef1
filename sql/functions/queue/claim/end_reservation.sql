create or replace function queue.end_reservation(p_lane integer, p_worker_id text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
begin
    -- As in queue.reserve_slots. If the clock is taken, the reservation ends by itself, within a minute.
    perform from queue.reservations as r
    inner join queue.lane_clocks as c on c.lane = r.lane
    where r.lane = p_lane and r.worker_id = p_worker_id
    for no key update of c skip locked;
    if found then
        delete from queue.reservations as r where r.lane = p_lane and r.worker_id = p_worker_id;
    end if;
end;
$$;

comment on function queue.end_reservation(integer, text) is $$
The heavy job was taken: this worker keeps no slots free for the lane any more. Never waits.
$$;
