create or replace function queue.initialise_limits(p_gates text[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = on
as $$
declare
    v_keys text[];
begin
    if exists (select from queue.limits as l where l.limit_key = 'tenant:*') then
        v_keys := array(
            select g from unnest(p_gates) as g
            where g like 'tenant:%' and g <> 'tenant:*' and not exists (select from queue.limits as l where l.limit_key = g)
        );
        insert into queue.limits (limit_key)
        select k from unnest(v_keys) as k where queue.lock_limit_key(k) order by k
        on conflict do nothing;
    end if;
    v_keys := array(
        select l.limit_key from queue.limits as l where l.limit_key = any(p_gates) and not l.counted for no key update skip locked
    );
    if v_keys = '{}' then
        return;
    end if;

    -- Running jobs count at once. Ready jobs are parked when a claim meets them, and count when they come back.
    with under as materialized (
        select l.job_id, array_agg(k.key order by k.key) as keys
        from queue.leases as l
        cross join lateral (select one.* from queue.processing_jobs as one where one.id = l.job_id offset 0) as j
        cross join lateral unnest(
            array['type:' || j.job_type, 'tenant:' || j.tenant_id] || array(select 'name:' || n from unnest(j.limits) as n)
        ) as k (key)
        inner join unnest(v_keys) as wanted (key) on wanted.key = k.key
        where k.key <> all(coalesce(l.limits, '{}'))
        group by l.job_id
    ),
    held as materialized (
        select l.job_id from queue.leases as l where l.job_id = any(array(select u.job_id from under as u)) for update skip locked
    )
    update queue.leases as l
    set limits = l.limits || u.keys
    from under as u inner join held as h on h.job_id = u.job_id
    where l.job_id = u.job_id;

    update queue.limits as l
    set used = c.permits, counted = true
    from (
        select wanted.key, coalesce(sum(u.permits), 0) as permits
        from unnest(v_keys) as wanted (key)
        left join (
            select k, 1 as permits from queue.leases as e cross join lateral unnest(e.limits) as k
            union all
            select k, 1 from queue.ready as r cross join lateral unnest(r.limits) as k where r.limits is not null
            union all
            select o.gate, o.permits from queue.gate_events as o where o.gate = any(v_keys)
        ) as u on u.k = wanted.key
        group by wanted.key
    ) as c
    where l.limit_key = c.key;
end;
$$;

comment on function queue.initialise_limits(text[]) is $$
Of these gates: make the row of each tenant that comes under tenant:* and has none, and count the jobs that run under limits that
are new. Many gates in one call, because each call reads all leases. Only claims call it: it locks leases, and an operator's transaction may
stay open for long.
$$;
