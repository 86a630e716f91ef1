create or replace function queue.set_worker_listening(p_worker_id text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into queue.listening_workers (worker_id, types)
    select w.worker_id, w.types from queue.workers as w where w.worker_id = p_worker_id
    on conflict do nothing;
$$;

comment on function queue.set_worker_listening(text) is $$
The worker is going to wait on channel reelq_ready and wants to be notified. It claims once more after this call, for what came in
between, and polls in any case: a notification is only a hint.
$$;
