create or replace function queue.list_workers(p_all boolean default false)
returns table (
    worker_id text, host text, pid integer, pool text, version text, status text, slots integer, busy integer,
    types text[], capabilities text[], process_key text, started_at timestamptz, last_beat_at timestamptz, drain_requested_at timestamptz,
    trouble text, remedy text
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        w.worker_id, w.host, w.pid, w.pool, w.version, w.status, w.slots,
        (select count(*)::integer from queue.leases as l where l.worker_id = w.worker_id),
        w.types, w.capabilities, w.process_key, w.started_at, w.last_beat_at, w.drain_requested_at, w.trouble, w.remedy
    from queue.workers as w
    where
        base.is_operator()  -- mutant: tenants see the workers
        and (p_all or w.status in ('active', 'draining') or exists (select from queue.leases as l where l.worker_id = w.worker_id))
    order by w.host, w.pool, w.started_at;
$$;

comment on function queue.list_workers(boolean) is $$
Workers that are at work, or whose jobs have not been taken back; true: all that were ever known. None for whoever is no
operator (base.is_operator).

Returns
  trouble, remedy  what keeps its host from working, and what to do there; it claims nothing meanwhile. Null: it is fit
$$;
