create or replace function queue.park_backlog()
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_keys text[];
    v_types text[];
    v_lane integer;
    v_parked integer := 0;
begin
    -- The rows of the limits stay locked: no other claim lets anything in before this one has committed.
    v_keys := array(select l.limit_key from queue.limits as l where l.backlog for no key update skip locked);
    if v_keys = '{}' then
        return 0;
    end if;
    -- Only limits of types tell by their names which lanes are meant.
    v_types := array(select substring(k from 6) from unnest(v_keys) as k where k like 'type:%');
    for v_lane in
        select l.lane
        from queue.lanes as l
        cross join lateral (
            select r.ready_at, r.seq from queue.ready as r where r.lane = l.lane order by r.fair_key, r.seq limit 1
        ) as head
        where cardinality(v_types) < cardinality(v_keys) or l.job_type = any(v_types)
        order by l.priority - floor(extract(epoch from v_now - head.ready_at) / 3600), head.seq  -- mutant: a backlog is parked from its end
    loop
        v_parked := v_parked + queue.park_ahead(v_lane, '-infinity', 0, 1000);
        exit when v_parked >= 1000;
    end loop;
    if v_parked = 0 then
        update queue.limits as l set backlog = false where l.limit_key = any(v_keys);
    end if;
    return v_parked;
end;
$$;

comment on function queue.park_backlog() is $$
Park what became ready before a limit was set, most urgent first, a thousand at a time and of each lane's first thousand rows: else what comes
later, and is parked at once, would get the permits before it. Claims call it until nothing is left. Passed over for limits whose rows
another session holds. Returns how many were parked.
$$;
