create or replace function queue.limit_states()
returns table (limit_key text, name text, tenant_id uuid, max_running integer, used integer, running integer, parked integer)
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_bitmapscan = off -- counting stops at 10,000, a bitmap does not
as $$
    select
        l.limit_key,
        case when t.id is null then l.limit_key else replace(l.limit_key, t.id::text, t.slug) end,
        t.id,
        coalesce(l.max_running, common.max_running),
        l.used - coalesce((select sum(o.permits)::integer from queue.gate_events as o where o.gate = l.limit_key), 0),
        coalesce(running.jobs, 0),
        (select count(*)::integer from (select from queue.parked as p where p.gate = l.limit_key limit 10000) as capped)
    from queue.limits as l
    left join queue.limits as common on common.limit_key = 'tenant:*'
    left join (
        select k, count(*)::integer as jobs from queue.leases as e cross join lateral unnest(e.limits) as k group by k
    ) as running on running.k = l.limit_key
    left join identity.tenants as t on t.id = queue.tenant_of_limit(l.limit_key)
    order by l.limit_key;
$$;

comment on function queue.limit_states() is $$
All limits, whoever asks: what queue.list_limits shows people and queue.explain_job reads.

Returns
  name       the key with the tenant's slug in the place of its id
  tenant_id  whose it is; null: the operators'
$$;
