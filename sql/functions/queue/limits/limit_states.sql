create or replace function queue.limit_states(p_keys text[] default null)
returns table (limit_key text, name text, tenant_id uuid, max_running integer, used integer, running integer, parked integer)
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off -- counting stops at 10,000, a bitmap does not
as $$
    with wanted as materialized (
        select l.limit_key, l.max_running, l.counted from queue.limits as l where p_keys is null or l.limit_key = any(p_keys)
        union all
        -- The row of a tenant under the common limit is made by the claim that first looks at it.
        select k, null, false from unnest(p_keys) as k
        where
            k like 'tenant:%' and not exists (select from queue.limits as l where l.limit_key = k)
            and exists (select from queue.limits as l where l.limit_key = 'tenant:*')  -- mutant: explain waits for a claim to make a tenant's limit
    ),
    -- What is held is read where it is held: limits.used lags behind queue.gate_events until a claim takes these in.
    permits as materialized (
        select k as limit_key, true as runs from queue.leases as e cross join lateral unnest(e.limits) as k
        union all
        select k, false from queue.ready as r cross join lateral unnest(r.limits) as k where r.limits is not null
        union all
        -- What ran when a limit was set has its permit from the next claim on.
        select w.limit_key, true
        from queue.leases as e
        cross join lateral (select one.job_type, one.tenant_id, one.limits from queue.processing_jobs as one where one.id = e.job_id offset 0) as j
        cross join lateral unnest(
            array['type:' || j.job_type, 'tenant:' || j.tenant_id] || array(select distinct 'name:' || n from unnest(j.limits) as n)
        ) as k (key)
        inner join wanted as w on w.limit_key = k.key and not w.counted and w.limit_key <> all(coalesce(e.limits, '{}'))  -- mutant: explain waits for a claim to count what runs
        where exists (select from wanted as w where not w.counted)
    ),
    held as materialized (
        select p.limit_key, count(*)::integer as used, (count(*) filter (where p.runs))::integer as running from permits as p group by p.limit_key
    )
    select
        l.limit_key,
        case when t.id is null then l.limit_key else replace(l.limit_key, t.id::text, t.slug) end,
        t.id,
        coalesce(l.max_running, common.max_running),
        coalesce(held.used, 0),
        coalesce(held.running, 0),
        -- In the order of the index whose rows lie together.
        (select count(*)::integer from (select from queue.parked as p where p.gate = l.limit_key order by p.priority, p.fair_key, p.seq limit 10000) as capped)
    from wanted as l
    left join queue.limits as common on common.limit_key = 'tenant:*'
    left join held on held.limit_key = l.limit_key
    left join identity.tenants as t on t.id = queue.tenant_of_limit(l.limit_key)
    order by l.limit_key;
$$;

comment on function queue.limit_states(text[]) is $$
Limits, whoever asks: what queue.list_limits shows people and queue.explain_job reads. As things are now, whether a claim has looked or not.

Arguments
  p_keys  of these limits; null: of all

Returns
  name       the key with the tenant's slug in the place of its id
  tenant_id  whose it is; null: the operators'
  used       permits that ready or running jobs hold
$$;
