create or replace function queue.admit_from_gate(p_gate text, p_limit integer, p_room integer default null)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_ids uuid[];
    v_plain uuid[] := '{}';
    v_row record;
    v_gate text;
    v_moved integer := 0;
    v_taken integer := 0;
    v_on uuid[] := '{}';
    v_gates text[] := '{}';
    v_full text[] := '{}';
begin
    if p_limit < 1 or p_room < 1 then
        return 0;
    end if;
    with head as materialized (
        -- Lock the job as well, as a claim does: whoever cancels or reprioritises it waits, and then finds it at its new place.
        select p.job_id, p.rank, p.seq
        from queue.parked as p
        -- One probe a job, as many as are asked for: with old statistics a join reads all that are parked.
        cross join lateral (
            select from queue.processing_jobs as j where j.id = p.job_id and j.status = 'queued' for no key update skip locked
        ) as job
        where p.gate = p_gate
        order by p.rank, p.seq
        limit p_limit
        for update of p skip locked
    )
    select array_agg(h.job_id order by h.rank, h.seq) into v_ids from head as h;
    if v_ids is null then
        return 0;
    elsif p_room is null then
        delete from queue.parked as p where p.job_id = any(v_ids);
        perform queue.admit_or_park(v_ids);
        return cardinality(v_ids);
    end if;

    for v_row in select g.job_id, g.pause, g.limits from queue.find_gates(v_ids, true) as g order by g.place loop
        exit when v_taken = p_room;
        v_moved := v_moved + 1;
        if v_row.pause is null and v_row.limits = array[p_gate] then
            v_plain := v_plain || v_row.job_id;
            v_taken := v_taken + 1;
            continue;
        end if;
        -- If a limit had no permit for one of these jobs, do not ask it again for the others.
        v_gate := coalesce(
            v_row.pause, (select min(k) from unnest(v_row.limits) as k where k = any(v_full)), queue.acquire_permits(v_row.limits)
        );
        if v_gate is null then
            perform queue.admit_jobs(array[v_row.job_id], v_row.limits);
            v_taken := v_taken + 1;
            continue;
        elsif v_row.pause is null and v_gate <> all(v_full) then
            v_full := v_full || v_gate;
        end if;
        v_on := v_on || v_row.job_id;
        v_gates := v_gates || v_gate;
    end loop;
    delete from queue.parked as p where p.job_id = any(v_ids[1:v_moved]);
    if v_on <> '{}' then
        perform queue.park_jobs(v_on, v_gates);
    end if;
    if v_plain <> '{}' then
        update queue.limits as l set used = l.used + cardinality(v_plain) where l.limit_key = p_gate;
        perform queue.admit_jobs(v_plain, array[p_gate]);
    end if;
    return v_moved;
end;
$$;

comment on function queue.admit_from_gate(text, integer, integer) is $$
Move the first jobs behind a gate on, of p_limit that are looked at: to ready, or behind the next gate that holds them. Returns how
many moved.

Arguments
  p_room  the gate is a limit whose row the caller has locked and which has as many permits free; null: it is no limit, or gone
$$;
