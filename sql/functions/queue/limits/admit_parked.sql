create or replace function queue.admit_parked(p_limit integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_gates text[];
    v_seen text[] := '{}';
    v_gate text;
    v_admitted integer := 0;
begin
    perform base.check_read_committed();
    if p_limit < 1 or p_limit is null then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 1000.';
    end if;
    -- The first 2,000 events may all belong to gates that other sessions hold: then look at the gates that come after them.
    <<looks>>
    while cardinality(v_seen) < 200 loop
        v_gates := array(
            select head.gate
            from (select o.gate, o.id from queue.gate_events as o where o.gate <> all(v_seen) order by o.id limit 2000) as head
            group by head.gate order by min(head.id)
        );
        exit when v_gates = '{}';
        perform queue.initialise_limits(v_gates);
        foreach v_gate in array v_gates loop
            exit looks when v_admitted >= p_limit;
            v_admitted := v_admitted + queue.process_gate(v_gate, p_limit - v_admitted);
        end loop;
        v_seen := v_seen || v_gates;
    end loop looks;
    return v_admitted;
end;
$$;

comment on function queue.admit_parked(integer) is $$
Move up to p_limit jobs on that are parked behind gates with events. Called by whoever claims; a gate that another session works on is
skipped. Returns how many jobs moved.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit below 1
$$;
