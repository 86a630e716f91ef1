create or replace function queue.list_limits()
returns table (limit_key text, name text, max_running integer, used integer, running integer, parked integer)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        l.limit_key,
        split_part(l.limit_key, ':', 1) || ':' || coalesce(t.slug, substring(l.limit_key from position(':' in l.limit_key) + 1)),
        coalesce(l.max_running, common.max_running),
        l.used - coalesce((select sum(o.permits)::integer from queue.gate_events as o where o.gate = l.limit_key), 0),
        coalesce(running.jobs, 0),
        (select count(*)::integer from (select from queue.parked as p where p.gate = l.limit_key limit 10000) as capped)
    from queue.limits as l
    left join queue.limits as common on common.limit_key = 'tenant:*'
    left join (
        select k, count(*)::integer as jobs from queue.leases as e cross join lateral unnest(e.limits) as k group by k
    ) as running on running.k = l.limit_key
    left join identity.tenants as t on l.limit_key = 'tenant:' || t.id
    order by l.limit_key;
$$;

comment on function queue.list_limits() is $$
All limits: how many jobs hold a permit (ready or running), how many of these run, and how many wait (counting stops at 10,000).
$$;
