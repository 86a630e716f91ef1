create or replace function queue.move_lane_clock(
    p_lane integer,
    p_fair_keys double precision[],
    p_seqs bigint[],
    p_now timestamptz
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Four times a second at most: each write leaves a dead row, and every enqueue reads the row. But always when nothing is left
    -- behind what was taken: later jobs must not come in below the bounds of the worker that took it.
    update queue.lane_clocks as c
    set virtual_time = greatest(c.virtual_time, (select max(t.fair_key) from unnest(p_fair_keys) as t (fair_key))), moved_at = p_now
    where c.lane = any(array(
        select k.lane
        from queue.lane_clocks as k
        where
            k.lane = p_lane
            and (
                k.moved_at not between p_now - interval '250 milliseconds' and p_now
                or not exists (  -- mutant: the clock of a lane stands still when nothing is left
                    select from queue.ready as r
                    where r.lane = p_lane and (r.fair_key, r.seq) > (
                        select t.fair_key, t.seq
                        from unnest(p_fair_keys, p_seqs) as t (fair_key, seq)
                        order by t.fair_key desc, t.seq desc
                        limit 1
                    )
                )
            )
        for no key update skip locked
    ));
end;
$$;

comment on function queue.move_lane_clock(integer, double precision[], bigint[], timestamptz) is $$
Note how far a lane has been served, by the keys of what was taken from it just now: where a tenant that was idle comes in. Passed over while another claim does the
same, and within 250 ms of the last time unless nothing is left in the lane.
$$;
