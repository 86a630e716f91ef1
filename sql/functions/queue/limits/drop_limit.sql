create or replace function queue.drop_limit(p_key text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text := queue.check_limit_key(p_key);
begin
    perform base.check_operator();
    perform base.check_read_committed();
    delete from queue.limits as l where l.limit_key = v_key and l.max_running is not null;
    if not found then
        raise exception 'no limit %', v_key using errcode = 'RQ004', hint = 'Look with: reelq queue limits, or queue.list_limits().';
    end if;
    insert into queue.gate_events (gate, permits) values (v_key, 0);
    if v_key = 'tenant:*' then
        insert into queue.gate_events (gate, permits) select l.limit_key, 0 from queue.limits as l where l.max_running is null;
    end if;
    perform queue.notify_ready(array(select t.job_type from queue.job_types as t));
end;
$$;

comment on function queue.drop_limit(text) is $$
Lift a limit: what waits behind it goes on, batch by batch. A tenant's own limit gives way to tenant:* if there is one.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ003  no such job type
  RQ004  no such tenant or limit
  RQ008  no key of a limit
  42501  the caller acts for a tenant
$$;
