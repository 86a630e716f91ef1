create or replace function queue.let_through(p_gate text, p_limit integer, p_counted boolean default false)
returns integer
language plpgsql
volatile
set search_path = ''
set jit = off
set enable_seqscan = off
as $$
declare
    v_ids uuid[];
    v_plain uuid[] := '{}';
    v_row record;
    v_gate text;
    v_on uuid[] := '{}';
    v_gates text[] := '{}';
    v_full text[] := '{}';
begin
    if p_limit < 1 then
        return 0;
    end if;
    with head as materialized (
        select p.ctid as place from queue.parked as p
        where p.gate = p_gate
        order by p.rank, p.seq
        limit p_limit
        for update skip locked
    ),
    moved as (
        delete from queue.parked as p where p.ctid = any(array(select h.place from head as h))
        returning p.job_id, p.rank, p.seq
    )
    select array_agg(m.job_id order by m.rank, m.seq) into v_ids from moved as m;
    if v_ids is null then
        return 0;
    elsif not p_counted then
        perform queue.put_ready(v_ids);
        return cardinality(v_ids);
    end if;

    for v_row in select g.job_id, g.pause, g.limits from queue.gates_of(v_ids, true) as g order by g.place loop
        if v_row.pause is null and v_row.limits = array[p_gate] then
            v_plain := v_plain || v_row.job_id;
            continue;
        end if;
        -- A limit that had no unit for one of them has none for the others.
        v_gate := coalesce(
            v_row.pause, (select min(k) from unnest(v_row.limits) as k where k = any(v_full)), queue.take_units(v_row.limits)
        );
        if v_gate is null then
            perform queue.make_ready(array[v_row.job_id], v_row.limits);
            continue;
        elsif v_row.pause is null and v_gate <> all(v_full) then
            v_full := v_full || v_gate;
        end if;
        v_on := v_on || v_row.job_id;
        v_gates := v_gates || v_gate;
    end loop;
    if v_on <> '{}' then
        perform queue.park_jobs(v_on, v_gates);
    end if;
    if v_plain <> '{}' then
        update queue.limits as l set used = l.used + cardinality(v_plain) where l.limit_key = p_gate;
        perform queue.make_ready(v_plain, array[p_gate]);
    end if;
    return cardinality(v_ids);
end;
$$;

comment on function queue.let_through(text, integer, boolean) is $$
Move the first p_limit jobs behind a gate on: to ready, or behind the next gate that holds them. Returns how many moved.

Arguments
  p_counted  the gate is a limit whose row the caller has locked and which has as many units free
$$;
