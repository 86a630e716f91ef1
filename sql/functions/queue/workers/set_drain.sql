create or replace function queue.set_drain(p_worker_id text, p_drain boolean)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update queue.workers as w
    set
        status = case when w.status = 'lost' then 'lost' when p_drain then 'draining' else 'active' end,
        drain_requested_at = case when p_drain then coalesce(w.drain_requested_at, base.clock()) end
    where w.worker_id = p_worker_id and w.status <> 'stopped';
    if not found then
        return false;
    end if;
    perform queue.notify_worker(p_worker_id);
    return true;
end;
$$;

comment on function queue.set_drain(text, boolean) is $$
What queue.drain_worker and drain_host do with a worker. False: there is none, or it has stopped.
$$;
