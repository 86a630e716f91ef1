create or replace function queue.release_permits(p_limits text[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_limits <> '{}' then
        insert into queue.gate_events (gate, permits)
        select k, count(*) from unnest(p_limits) as k group by k order by k;
    end if;
end;
$$;

comment on function queue.release_permits(text[]) is $$
Release one permit for each time a key stands in the list (null or empty: none). It only appends to queue.gate_events, so that nobody
waits for the row of a limit; queue.process_gate takes the permits in.
$$;
