create or replace function queue.drain_worker(p_worker_id text, p_drain boolean default true)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update queue.workers as w
    set
        status = case when w.status = 'lost' then 'lost' when p_drain then 'draining' else 'active' end,
        drain_requested_at = case when p_drain then coalesce(w.drain_requested_at, base.clock()) end
    where w.worker_id = p_worker_id and w.status <> 'stopped';
    if not found then
        raise exception 'no worker % at work', quote_literal(p_worker_id)
            using errcode = 'RQ004', hint = 'Look with: reelq workers list';
    end if;
    perform pg_notify('reelq_worker', p_worker_id);
end;
$$;

comment on function queue.drain_worker(text, boolean) is $$
Ask a worker to take nothing new, finish what it has and leave; false takes the request back while it still
drains. It learns of it within a heartbeat.

Raises
  RQ004  no such worker, or it has stopped
$$;
