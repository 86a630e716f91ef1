create or replace function queue.make_ready(p_job_ids uuid[], p_limits text[] default null)
returns void
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
-- Records and lanes are looked up by the fence below; what is joined is joined by hash, for one job or ten thousand.
set enable_hashjoin = on
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
    v_now timestamptz := base.clock();
begin
    with made as (
        insert into queue.lanes (job_type, priority, weight, needs)
        select distinct j.job_type, j.priority, j.weight, j.needs
        from queue.processing_jobs as j
        where
            j.id = any(p_job_ids)
            and not exists (
                select from queue.lanes as l
                where l.job_type = j.job_type and l.priority = j.priority and l.weight = j.weight and l.needs = j.needs
            )
        order by 1, 2, 3, 4
        returning lanes.lane
    )
    insert into queue.lane_clocks (lane, virtual_time, moved_at) select m.lane, 0, '-infinity' from made as m;

    -- Start-time fair queueing: a tenant comes in after its own last job, or where the lane is now if it was idle.
    with new as materialized (
        select wanted.n, j.id, l.lane, j.flow
        from unnest(p_job_ids) with ordinality as wanted (id, n)
        -- A fence: else the planner may read the whole table from its lanes on, when statistics are old.
        cross join lateral (
            select one.*, coalesce(one.tenant_id, '00000000-0000-0000-0000-000000000000') as flow
            from queue.processing_jobs as one where one.id = wanted.id
            offset 0
        ) as j
        inner join (
            select min(k.lane) as lane, k.job_type, k.priority, k.weight, k.needs
            from queue.lanes as k group by k.job_type, k.priority, k.weight, k.needs
        ) as l
            on l.job_type = j.job_type and l.priority = j.priority and l.weight = j.weight and l.needs = j.needs
    ),
    flows as materialized (
        select
            f.lane, f.flow, 1 / coalesce(t.job_weight, 1)::double precision as step,
            greatest(
                coalesce(c.virtual_time, 0),
                (
                    select r.fair_key from queue.ready as r
                    where r.lane = f.lane and r.flow = f.flow and r.fair_key > coalesce(c.virtual_time, 0)
                    order by r.fair_key desc limit 1
                )
            ) as last_key
        from (select distinct new.lane, new.flow from new) as f
        left join queue.lane_clocks as c on c.lane = f.lane
        left join identity.tenants as t on t.id = f.flow
    )
    insert into queue.ready (lane, fair_key, seq, job_id, flow, ready_at, limits)
    select placed.lane, placed.fair_key, nextval('queue.ready_seq'), placed.id, placed.flow, v_now, p_limits
    from (
        select
            new.lane, new.id, new.flow, new.n,
            flows.last_key + flows.step * row_number() over (partition by new.lane, new.flow order by new.n) as fair_key
        from new
        inner join flows on flows.lane = new.lane and flows.flow = new.flow
        order by new.n
    ) as placed;

    perform queue.notify_ready(array(select distinct j.job_type from queue.processing_jobs as j where j.id = any(p_job_ids)));
end;
$$;

comment on function queue.make_ready(uuid[], text[]) is $$
Make queued jobs claimable, in the order given, and wake a sleeping worker that takes them. Only for jobs that no gate
holds; see queue.put_ready.

Arguments
  p_limits  the limits of which each of them holds a unit
$$;
