create or replace function queue.drain_host(p_host text, p_drain boolean default true)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_worker text;
    v_count integer := 0;
begin
    for v_worker in
        select w.worker_id from queue.workers as w
        where w.host = p_host and w.status in ('active', 'draining') order by w.worker_id
    loop
        if queue.set_drain(v_worker, p_drain) then
            v_count := v_count + 1;
        end if;
    end loop;
    if v_count = 0 then
        raise exception 'no worker at work on host %', coalesce(quote_literal(left(p_host, 80)), 'null')
            using errcode = 'RQ004', hint = 'Look with: reelq workers list, or queue.list_workers().';
    end if;
    perform base.record_act('host.' || case when p_drain then 'drained' else 'undrained' end, 'host', p_host, p_facts => jsonb_build_object('workers', v_count));
    return v_count;
end;
$$;

comment on function queue.drain_host(text, boolean) is $$
Drain all workers of a host, as queue.drain_worker does one; false takes the request back. Returns how many.

Raises
  RQ004  no worker is at work there
$$;
