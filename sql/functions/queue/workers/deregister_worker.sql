create or replace function queue.deregister_worker(p_worker_id text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update queue.workers as w set status = 'stopped' where w.worker_id = p_worker_id;
    delete from queue.listening_workers as s where s.worker_id = p_worker_id;
end;
$$;

comment on function queue.deregister_worker(text) is $$
Mark a worker stopped: it leaves in order, after it has settled or released all its jobs. It has to register again before it claims.
$$;
