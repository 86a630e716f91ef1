create or replace function queue.drain_worker(p_worker_id text, p_drain boolean default true)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not queue.set_drain(p_worker_id, p_drain) then
        raise exception 'no worker % at work', quote_literal(left(p_worker_id, 80))
            using errcode = 'RQ004', hint = 'Look with: reelq workers list';
    end if;
    -- Also when a worker says of itself that it leaves: its name is but a setting, which anybody can borrow.
    perform base.record_act('worker.' || case when p_drain then 'drained' else 'undrained' end, 'worker', p_worker_id);
end;
$$;

comment on function queue.drain_worker(text, boolean) is $$
Ask a worker to take nothing new, finish what it has and leave; false takes the request back while it still
drains. It learns of it within a heartbeat.

Raises
  RQ004  no such worker, or it has stopped
$$;
