create or replace function queue.list_pauses()
returns table (scope text, key text, name text, reason text, paused_by text, since timestamptz, parked integer, at_least boolean)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        p.scope, p.key,
        coalesce(
            t.slug, (select v.title from media.videos as v where v.asset_id = case p.scope when 'input' then p.key::uuid end limit 1), p.key
        ),
        case when o.operator then p.reason end, case when o.operator then p.paused_by end, p.created_at,
        case when o.operator or p.scope not in ('all', 'job_type') then held.jobs end,
        case when o.operator or p.scope not in ('all', 'job_type') then held.jobs >= 10000 end
    from queue.pauses as p
    cross join lateral (
        select count(*)::integer as jobs
        from (select from queue.parked as k where k.gate = 'pause:' || p.scope || ':' || p.key limit 10000) as capped
    ) as held
    cross join (select base.is_operator() as operator, base.current_tenant() as tenant offset 0) as o
    left join identity.tenants as t on p.scope in ('tenant', 'suspended') and t.id::text = p.key
    where
        o.operator  -- mutant: tenants see each other's pauses
        or (o.tenant is not null and case
            when p.scope in ('all', 'job_type') then true
            when p.scope in ('tenant', 'suspended') then p.key = o.tenant::text
            when p.scope = 'input' then exists (select from media.assets as a where a.id::text = p.key and a.tenant_id = o.tenant)
            -- Nobody but its jobs says whose a channel is: queue.explain_job tells of those.
            else false
        end)
    order by p.created_at, p.scope, p.key;
$$;

comment on function queue.list_pauses() is $$
What is paused, by whom, why and since when; name is the tenant's slug or title of the input's video, and parked how many jobs have been
met and put aside so far: so many or more where at_least is true, because counting stops at 10,000.

A tenant sees what holds all jobs or a job type, and its own: neither by whom nor why, which operators write for each other, nor
how many jobs of others wait. Without a tenant only operators see anything.
$$;
