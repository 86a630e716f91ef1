create or replace function queue.admit_jobs(p_job_ids uuid[], p_limits text[] default null)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
-- Records are looked up by id (see `offset 0` below); the rest is joined by hash, which suits one job as well as ten thousand.
set enable_hashjoin = on
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
    v_ids uuid[];
    v_lanes integer[];
    v_tenants uuid[];
begin
    with new as materialized (
        select wanted.n, j.*
        from unnest(p_job_ids) with ordinality as wanted (id, n)
        -- `offset 0` keeps the planner from joining: with old statistics it might read the whole table.
        cross join lateral (
            select one.id, one.tenant_id, one.job_type, one.priority, one.weight, one.needs
            from queue.processing_jobs as one where one.id = wanted.id
            offset 0
        ) as j
    ),
    kinds as materialized (
        select k.*, queue.find_or_create_lane(k.job_type, k.priority, k.weight, k.needs) as lane
        from (select distinct new.job_type, new.priority, new.weight, new.needs from new order by 1, 2, 3, 4) as k
    )
    select array_agg(s.id), array_agg(s.lane), array_agg(s.tenant_id) into v_ids, v_lanes, v_tenants
    from (
        select new.id, kinds.lane, new.tenant_id
        from new
        inner join kinds
            on kinds.job_type = new.job_type and kinds.priority = new.priority and kinds.weight = new.weight and kinds.needs = new.needs
        order by new.n
    ) as s;
    perform queue.insert_ready(v_ids, v_lanes, v_tenants, p_limits);
end;
$$;

comment on function queue.admit_jobs(uuid[], text[]) is $$
Make queued jobs ready, in the order given: find the lane and tenant of each, and insert it with queue.insert_ready. Only for jobs that
no gate holds; see queue.admit_or_park.

Arguments
  p_limits  the limits of which each of them holds a permit
$$;
