create or replace function queue.may_notify()
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select current_setting('max_prepared_transactions') = '0' or coalesce(current_setting('reelq.notify', true), '') = 'on';
$$;

comment on function queue.may_notify() is $$
Whether our calls may NOTIFY. Postgres refuses PREPARE TRANSACTION after a NOTIFY, and whether we notify depends on whether a worker
waits just then. So where the server has max_prepared_transactions above 0 nobody is notified: every call can be prepared, and workers
find its jobs when they poll, after REELQ_POLL_S at most. For a database in which nothing of the queue is ever prepared:
alter database … set reelq.notify = on.
$$;
