create or replace function queue.list_limits()
returns table (limit_key text, name text, max_running integer, used integer, running integer, parked integer, at_least boolean)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select l.limit_key, l.name, l.max_running, l.used, l.running, l.parked, l.parked >= 10000
    from queue.limit_states() as l
    where base.is_operator() or l.tenant_id = base.current_tenant()  -- mutant: tenants see each other's limits
    order by l.limit_key;
$$;

comment on function queue.list_limits() is $$
All limits: how many jobs hold a permit (ready or running), how many of these run, and how many wait: so many or more where
at_least is true, because counting stops at 10,000. A
tenant sees its own, and not those that it shares with others.
$$;
