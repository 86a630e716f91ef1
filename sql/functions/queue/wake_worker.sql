create or replace function queue.wake_worker(p_worker_id text)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
    delete from queue.sleepers as s where s.worker_id = p_worker_id;
$$;

comment on function queue.wake_worker(text) is $$
The worker has work and need not be notified.
$$;
