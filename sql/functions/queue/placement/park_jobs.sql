create or replace function queue.park_jobs(p_job_ids uuid[], p_gates text[], p_moved boolean default false)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
-- Records are looked up by id (see `offset 0` below); the rest is joined by hash, which suits one job as well as ten thousand.
set enable_hashjoin = on
set enable_nestloop = off
set enable_mergejoin = off
as $$
begin
    -- Start-time fair queueing, as in queue.insert_ready: a tenant's next job goes behind its last one, or to where the gate is now.
    with new as materialized (
        select
            behind.n, behind.gate, j.id, j.job_type, j.priority, coalesce(j.tenant_id, '00000000-0000-0000-0000-000000000000') as flow,
            -- A scheduled_for before the enqueue, which any caller may give, must not make a job more urgent.
            extract(epoch from greatest(j.scheduled_for, j.created_at)) + 3600 * j.priority as rank
        from unnest(p_job_ids, p_gates) with ordinality as behind (id, gate, n)
        cross join lateral (
            select one.id, one.job_type, one.priority, one.tenant_id, one.scheduled_for, one.created_at
            from queue.processing_jobs as one where one.id = behind.id
            offset 0
        ) as j
    ),
    flows as materialized (
        select
            f.gate, f.priority, f.flow, at.step,
            greatest(at.virtual_time, (
                select p.fair_key from queue.parked as p
                where p.gate = f.gate and p.priority = f.priority and p.flow = f.flow and p.moved = p_moved and p.fair_key > at.virtual_time
                order by p.fair_key desc limit 1
            )) as last_key
        from (select distinct new.gate, new.priority, new.flow from new) as f
        cross join lateral (
            select
                coalesce((select l.virtual_times[f.priority] from queue.limits as l where l.limit_key = f.gate), 0) as virtual_time,  -- mutant: a tenant that was idle comes first behind a limit
                coalesce((select 1 / t.job_weight::double precision from identity.tenants as t where t.id = f.flow), 1) as step
            offset 0
        ) as at
    )
    insert into queue.parked (gate, rank, seq, job_id, job_type, priority, flow, fair_key, moved)
    select placed.gate, placed.rank, nextval('queue.ready_seq'), placed.id, placed.job_type, placed.priority, placed.flow, placed.fair_key, p_moved
    from (
        select
            new.*,
            flows.last_key + flows.step * row_number() over (partition by new.gate, new.priority, new.flow order by new.n) as fair_key  -- mutant: behind a limit tenants take no turns
        from new
        inner join flows on flows.gate = new.gate and flows.priority = new.priority and flows.flow = new.flow
        order by new.n
    ) as placed;

    -- Write an event for a pause too: it may end, and its gate be processed, before this transaction commits.
    insert into queue.gate_events (gate, permits) select distinct gate, 0 from unnest(p_gates) as gate order by gate;
end;
$$;

comment on function queue.park_jobs(uuid[], text[], boolean) is $$
Park queued jobs behind gates, one gate each, in the order given and with the fair keys of their tenants. The next claim looks whether the
gate is open.

Arguments
  p_moved  they have had their turn elsewhere, see queue.parked.moved
$$;
