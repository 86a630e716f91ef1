create or replace function queue.move_clock(p_lane integer, p_fair_keys double precision[], p_now timestamptz, p_last boolean)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_moved_at timestamptz;
    v_key double precision;
begin
    select c.moved_at into v_moved_at from queue.lane_clocks as c where c.lane = p_lane;
    -- Four times a second at most: each write leaves a dead row, and an enqueue reads the living one. But always when the lane is
    -- empty now: what comes next shall not lie below the bounds of the worker that emptied it.
    if not p_last and v_moved_at between p_now - interval '250 milliseconds' and p_now then
        return;
    end if;
    v_key := (select max(k) from unnest(p_fair_keys) as k);
    update queue.lane_clocks as c
    set virtual_time = greatest(c.virtual_time, v_key), moved_at = p_now
    where c.lane = any(array(select k.lane from queue.lane_clocks as k where k.lane = p_lane for no key update skip locked));
end;
$$;

comment on function queue.move_clock(integer, double precision[], timestamptz, boolean) is $$
Note how far a lane has been served, now and then, and when its last ready job was taken; never waits for another claim.
$$;
