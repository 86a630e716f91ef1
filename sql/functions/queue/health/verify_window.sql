create or replace function queue.verify_window(p_after uuid, p_until uuid)
returns table (invariant text, job_id uuid, detail text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
    -- Every table is read by the range of ids, which all of them have an index for; only queue.scheduled is asked job by job.
    with jobs as materialized (
        select j.id, j.status, j.token, j.worker_id, j.scheduled_for, j.job_type, j.priority, j.weight, j.needs, j.tenant_id, j.video_id
        from queue.processing_jobs as j
        where j.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and j.id <= p_until
    ),
    leased as materialized (
        select l.job_id, l.token, l.worker_id from queue.leases as l
        where l.job_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and l.job_id <= p_until
    ),
    ready as materialized (
        select r.job_id, r.lane from queue.ready as r
        where r.job_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and r.job_id <= p_until
    ),
    parked as materialized (
        select p.job_id, p.priority, p.flow from queue.parked as p
        where p.job_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and p.job_id <= p_until
    ),
    waiting as materialized (
        select b.job_id, b.pending from queue.blocked as b
        where b.job_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and b.job_id <= p_until
    ),
    edges as materialized (
        select d.job_id, d.parent_id, d.satisfied, parent.status
        from queue.job_dependencies as d
        -- `offset 0`: one probe an edge, whatever the statistics say.
        left join lateral (select p.status from queue.processing_jobs as p where p.id = d.parent_id offset 0) as parent on true
        where d.job_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and d.job_id <= p_until
    ),
    places as (
        select r.job_id, 'ready' as place from ready as r
        union all
        select j.id, 'scheduled' from jobs as j
        where j.status = 'queued' and (select true from queue.scheduled as s where s.due = j.scheduled_for and s.job_id = j.id)
        union all
        select b.job_id, 'blocked' from waiting as b
        union all
        select p.job_id, 'parked' from parked as p
        union all
        select l.job_id, 'leased' from leased as l
        union all
        select d.job_id, 'dead' from queue.dead_letters as d
        where d.job_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and d.job_id <= p_until
    ),
    found as (
        select p.job_id, string_agg(p.place, '+' order by p.place) as places from places as p group by p.job_id
    )
    select 'a job stands in exactly the place of its status', e.job_id, coalesce(e.status, 'no job') || ' but ' || e.places  -- mutant: a window sees no places
    from (
        select coalesce(j.id, f.job_id) as job_id, j.status, coalesce(f.places, 'nowhere') as places
        from jobs as j full join found as f on f.job_id = j.id
    ) as e
    where case e.status
        when 'queued' then e.places not in ('ready', 'scheduled', 'blocked', 'parked')
        when 'running' then e.places <> 'leased'
        when 'failed' then e.places <> 'dead'
        when 'completed' then e.places <> 'nowhere'
        when 'cancelled' then e.places <> 'nowhere'
        else true
    end

    union all
    select 'a lease bears the token and the worker of its job', l.job_id, format('%s/%s but %s/%s', l.token, l.worker_id, j.token, j.worker_id)
    from leased as l inner join jobs as j on j.id = l.job_id
    where (l.token, l.worker_id) is distinct from (j.token, j.worker_id)

    union all
    select 'a ready job is in the lane of its kind', r.job_id, format('lane %s', r.lane)
    from ready as r
    inner join jobs as j on j.id = r.job_id
    left join queue.lanes as l on l.lane = r.lane
    where (l.job_type, l.priority, l.weight, l.needs) is distinct from (j.job_type, j.priority, j.weight, j.needs)

    union all
    select 'a parked job has its turn among those of its priority and tenant', p.job_id, format('priority %s, tenant %s', p.priority, p.flow)
    from parked as p
    inner join jobs as j on j.id = p.job_id
    where p.priority <> 0 and (p.priority, p.flow) is distinct from (j.priority, coalesce(j.tenant_id, '00000000-0000-0000-0000-000000000000'))  -- mutant: a window sees no turns

    union all
    select 'a blocked job counts its open edges', b.job_id, format('%s but %s', b.pending, count(d.job_id))
    from waiting as b left join edges as d on d.job_id = b.job_id and not d.satisfied
    group by b.job_id, b.pending
    having b.pending <> count(d.job_id)

    union all
    select 'an unfinished job''s edge is open only while its parent is unfinished', d.job_id, format('parent %s is %s', d.parent_id, d.status)
    from edges as d inner join jobs as j on j.id = d.job_id and j.status in ('queued', 'running')
    where not d.satisfied and (
        j.status = 'running'
        or (coalesce(d.status, 'gone') not in ('queued', 'running') and not exists (select from queue.cascades as c where c.job_id = d.parent_id))  -- mutant: a window takes a cascade for damage
    )

    union all
    select 'an edge of a job in the queue leads to another job in the queue', d.parent_id, format('the edge of %s stayed', d.job_id)
    from edges as d
    where not exists (select from jobs as j where j.id = d.job_id)
        or (d.status is null and not d.satisfied and not exists (select from queue.cascades as c where c.job_id = d.parent_id))  -- mutant: a window takes a delete for damage

    union all
    select 'a job belongs to a tenant, and its video to the same', j.id, format('tenant %s', j.tenant_id)
    from jobs as j
    left join lateral (select t.id from identity.tenants as t where t.id = j.tenant_id offset 0) as t on true
    left join lateral (select v.tenant_id from media.videos as v where v.id = j.video_id offset 0) as v on true
    where (j.tenant_id is not null and t.id is null) or (j.video_id is not null and v.tenant_id is distinct from j.tenant_id)

    union all
    select 'a job in the queue has a type', j.id, format('no type %s', j.job_type)
    from jobs as j
    where j.status in ('queued', 'running') and not exists (select from queue.job_types as t where t.job_type = j.job_type)

    union all
    select 'every attempt that ended is in the history, once', j.id, format('token %s, %s rows, %s', j.token, count(a.job_id), j.status)
    from jobs as j
    left join (
        select t.job_id, t.attempt from queue.job_attempts as t
        where t.job_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and t.job_id <= p_until
    ) as a on a.job_id = j.id
    group by j.id, j.token, j.status
    having count(a.job_id) <> j.token - (j.status = 'running')::integer or max(a.attempt) > j.token

    union all
    select 'a job is in the table of jobs or in the history', h.id, 'in both'
    from queue.job_history as h inner join jobs as j on j.id = h.id
    where h.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and h.id <= p_until;
$$;

comment on function queue.verify_window(uuid, uuid) is $$
Those invariants of queue.verify that are about one job, of the jobs with ids behind p_after up to p_until: short on a queue of any size.
  select * from queue.verify_window(null, queue.next_window());   and so on, with the end of a window as the next p_after

Arguments
  p_after  null: from the first job on
$$;
