create or replace function queue.insert_ready(p_job_ids uuid[], p_lanes integer[], p_tenants uuid[], p_limits text[] default null)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
-- Force hash joins, which suit one job as well as ten thousand.
set enable_hashjoin = on
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
    v_now timestamptz := base.clock();
    v_flow constant uuid := coalesce(p_tenants[1], '00000000-0000-0000-0000-000000000000');  -- of the first job
begin
    -- Start-time fair queueing: a tenant's next job goes behind its last one, or to where the lane is now if it had none waiting.
    if cardinality(p_job_ids) = 1 and p_limits is null then
        -- The same for one job, without hashes and windows, whose setting up costs more than all else.
        insert into queue.ready (lane, fair_key, seq, job_id, flow, ready_at)
        select
            p_lanes[1],
            greatest(at.virtual_time, (
                select r.fair_key from queue.ready as r
                where r.lane = p_lanes[1] and r.flow = v_flow and r.fair_key > at.virtual_time
                order by r.fair_key desc limit 1
            )) + at.step,  -- mutant: all tenants come in at the same place (2)
            nextval('queue.ready_seq'), p_job_ids[1], v_flow, v_now
        from (
            select
                coalesce((select c.virtual_time from queue.lane_clocks as c where c.lane = p_lanes[1]), 0) as virtual_time,
                coalesce((select 1 / t.job_weight::double precision from identity.tenants as t where t.id = v_flow), 1) as step
            offset 0
        ) as at;
    else
        with new as materialized (
            select w.n, w.id, w.lane, coalesce(w.tenant_id, '00000000-0000-0000-0000-000000000000') as flow
            from unnest(p_job_ids, p_lanes, p_tenants) with ordinality as w (id, lane, tenant_id, n)
        ),
        flows as materialized (
            select
                f.lane, f.flow, 1 / coalesce(t.job_weight, 1)::double precision as step,
                greatest(
                    coalesce(c.virtual_time, 0),
                    case when p_limits is null then (
                        select r.fair_key from queue.ready as r
                        where r.lane = f.lane and r.flow = f.flow and r.fair_key > coalesce(c.virtual_time, 0)
                        order by r.fair_key desc limit 1
                    )
                    else (
                        -- Who holds a permit comes in behind those of its tenant that hold one too, and before a backlog that has none:
                        -- else claims would find it only when they have parked all of that.
                        select r.fair_key from queue.ready as r
                        where r.lane = f.lane and r.flow = f.flow and r.fair_key > coalesce(c.virtual_time, 0) and r.limits is not null  -- mutant: a permit waits behind the backlog
                        order by r.fair_key desc limit 1
                    ) end
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
                flows.last_key + flows.step * row_number() over (partition by new.lane, new.flow order by new.n) as fair_key  -- mutant: all tenants come in at the same place
            from new
            inner join flows on flows.lane = new.lane and flows.flow = new.flow
            order by new.n
        ) as placed;
    end if;

    perform queue.notify_ready(array(select distinct l.job_type from queue.lanes as l where l.lane = any(p_lanes)))
    where exists (select from queue.listening_workers);  -- mutant: notifications while nobody sleeps (3)
end;
$$;

comment on function queue.insert_ready(uuid[], integer[], uuid[], text[]) is $$
Insert jobs into queue.ready, in the order given and with the fair keys of their tenants, and notify listening workers that take them. For
queue.admit_jobs and queue.tg_route_new_jobs, which know lane and tenant.

Arguments
  p_lanes    of each job, by queue.find_or_create_lane
  p_tenants  of each job; null: the platform
  p_limits   the limits of which each of them holds a permit
$$;
