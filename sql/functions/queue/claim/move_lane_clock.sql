create or replace function queue.move_lane_clock(
    p_lane integer,
    p_fair_keys double precision[],
    p_emptied boolean,
    p_now timestamptz
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Four times a second at most: each write leaves a dead row, and every enqueue reads the row. But always when the lane is empty
    -- now: later jobs must not come in below the bounds of the worker that emptied it.
    if p_emptied or not exists (
        select from queue.lane_clocks as c
        where c.lane = p_lane and c.moved_at between p_now - interval '250 milliseconds' and p_now
    ) then
        update queue.lane_clocks as c
        set virtual_time = greatest(c.virtual_time, (select max(k) from unnest(p_fair_keys) as k)), moved_at = p_now
        where c.lane = any(array(select k.lane from queue.lane_clocks as k where k.lane = p_lane for no key update skip locked));
    end if;
end;
$$;

comment on function queue.move_lane_clock(integer, double precision[], boolean, timestamptz) is $$
Note how far a lane has been served, by the keys of what was taken from it just now: where a tenant that was idle comes in. Passed over while another claim does the
same, and within 250 ms of the last time unless this claim emptied the lane.
$$;
