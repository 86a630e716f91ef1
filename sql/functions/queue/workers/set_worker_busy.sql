create or replace function queue.set_worker_busy(p_worker_id text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    delete from queue.listening_workers as s where s.worker_id = p_worker_id;
$$;

comment on function queue.set_worker_busy(text) is $$
The worker has work, and need not be notified of more.
$$;
