create or replace function queue.tenant_depth()
returns table (job_type text, ready integer, scheduled integer, blocked integer, parked integer, running integer, dead integer, at_least text[])
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
-- One probe a job that is looked at: old statistics would have whole tables read.
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
as $$
#variable_conflict use_column
declare
    v_tenant constant uuid := queue.one_visible_tenant();
    v_most constant integer := 10000; -- where counting stops, and how many of the tenant's jobs are looked at
begin
    return query
    with latest as materialized (
        select j.id, j.job_type, j.status
        from queue.processing_jobs as j where j.tenant_id = v_tenant  -- mutant: the depth of a tenant is that of all
        order by j.tenant_id desc, j.id desc limit v_most
    ),
    counted (job_type, place) as materialized (
        select l.job_type, 'ready'
        from queue.lanes as l
        cross join lateral (
            -- A range in the order of the index by flow: no other index has it, and a lane may hold a million of others.
            select from queue.ready as r
            where r.lane = l.lane and r.flow >= v_tenant and r.flow <= v_tenant order by r.flow, r.fair_key limit v_most
        ) as capped
        union all
        select l.job_type, 'running'
        from queue.leases as l
        cross join lateral (select from queue.processing_jobs as j where j.id = l.job_id and j.tenant_id = v_tenant offset 0) as own
        union all
        select l.job_type, 'dead' from latest as l where l.status = 'failed'
        union all
        select p.job_type, p.place
        from (
            select l.job_type, queue.place_of(l.id, l.status, null) as place from latest as l where l.status = 'queued' offset 0
        ) as p
        where p.place <> 'ready'
    ),
    cut as (
        select case when count(*) >= v_most then '{scheduled,blocked,parked,dead}'::text[] else '{}' end as places from latest
    )
    select
        c.job_type,
        (count(*) filter (where c.place = 'ready'))::integer,
        (count(*) filter (where c.place = 'scheduled'))::integer,
        (count(*) filter (where c.place = 'blocked'))::integer,
        (count(*) filter (where c.place = 'parked'))::integer,
        (count(*) filter (where c.place = 'running'))::integer,
        (count(*) filter (where c.place = 'dead'))::integer,
        case when count(*) filter (where c.place = 'ready') >= v_most then '{ready}'::text[] else '{}' end || cut.places
    from counted as c
    cross join cut
    group by c.job_type, cut.places
    order by c.job_type;
end;
$$;

comment on function queue.tenant_depth() is $$
queue.depth of the tenant that reelq.tenant_id names: how many of its jobs of each type are where. Ready ones are counted up to 10,000 a
lane and running ones all; the other places are of its latest 10,000 jobs. at_least names the places that may have more.

Raises
  RQ004  reelq.tenant_id names no tenant
$$;
