create or replace function queue.verify()
returns table (invariant text, job_id uuid, detail text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
-- JIT would take longer than the queries, on a queue of usual size.
set jit = off
as $$
    select 'the owner sees every row', null::uuid, f.object || ' ' || f.fault from base.find_owner_faults() as f
    where f.object in ('queue.processing_jobs', 'queue.job_history')

    union all
    (
    -- One row a place where a job can be found.
    with places as materialized (
        select r.job_id, 'ready' as place from queue.ready as r
        union all
        select s.job_id, 'scheduled' from queue.scheduled as s
        union all
        select b.job_id, 'blocked' from queue.blocked as b
        union all
        select p.job_id, 'parked' from queue.parked as p
        union all
        select l.job_id, 'leased' from queue.leases as l
        union all
        select d.job_id, 'dead' from queue.dead_letters as d
    ),
    found as materialized (
        select p.job_id, string_agg(p.place, '+' order by p.place) as places from places as p group by p.job_id
    ),
    expected as (
        select
            coalesce(j.id, f.job_id) as job_id, j.status, coalesce(f.places, 'nowhere') as places
        from queue.processing_jobs as j
        full join found as f on f.job_id = j.id
    )
    select 'a job stands in exactly the place of its status', e.job_id, coalesce(e.status, 'no job') || ' but ' || e.places
    from expected as e
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
    from queue.leases as l
    inner join queue.processing_jobs as j on j.id = l.job_id
    where (l.token, l.worker_id) is distinct from (j.token, j.worker_id)

    union all
    select 'a ready job is in the lane of its kind', r.job_id, format('lane %s', r.lane)
    from queue.ready as r
    inner join queue.processing_jobs as j on j.id = r.job_id
    left join queue.lanes as l on l.lane = r.lane
    where (l.job_type, l.priority, l.weight, l.needs) is distinct from (j.job_type, j.priority, j.weight, j.needs)

    union all
    -- Priority 0: parked by a release before 0.2.0.
    select 'a parked job has its turn among those of its priority and tenant', p.job_id, format('priority %s, tenant %s', p.priority, p.flow)
    from queue.parked as p
    inner join queue.processing_jobs as j on j.id = p.job_id
    where p.priority <> 0 and (p.priority, p.flow) is distinct from (j.priority, coalesce(j.tenant_id, '00000000-0000-0000-0000-000000000000'))

    union all
    select 'a limit has given as many permits as are held', null::uuid, format('%s: %s used, %s held', l.limit_key, l.used, held.permits)
    from queue.limits as l
    cross join lateral (
        select
            (select count(*) from queue.ready as r where l.limit_key = any(r.limits))
            + (select count(*) from queue.leases as e where l.limit_key = any(e.limits))
            + (select coalesce(sum(o.permits), 0) from queue.gate_events as o where o.gate = l.limit_key) as permits
    ) as held
    where l.used <> held.permits and l.counted

    union all
    select 'a scheduled job is due when its record says', s.job_id, format('%s but %s', s.due, j.scheduled_for)
    from queue.scheduled as s
    inner join queue.processing_jobs as j on j.id = s.job_id
    where s.due <> j.scheduled_for

    union all
    select 'a blocked job counts its open edges', b.job_id, format('%s but %s', b.pending, count(d.job_id))
    from queue.blocked as b
    left join queue.job_dependencies as d on d.job_id = b.job_id and not d.satisfied
    group by b.job_id, b.pending
    having b.pending <> count(d.job_id)

    union all
    select 'an unfinished job''s edge is open only while its parent is unfinished', d.job_id, format('parent %s is %s', d.parent_id, parent.status)
    from queue.job_dependencies as d
    inner join queue.processing_jobs as child on child.id = d.job_id and child.status in ('queued', 'running')
    left join queue.processing_jobs as parent on parent.id = d.parent_id
    where
        not d.satisfied
        and (
            child.status = 'running'
            or (
                (parent.status is null or parent.status not in ('queued', 'running'))
                -- Claims have not come to it yet: the parent has too many children for one transaction.
                and not exists (select from queue.cascades as c where c.job_id = d.parent_id)
            )
        )

    union all
    select 'no jobs wait for one another in a circle', c.id, 'it waits in a circle, or for one that does'
    from unnest(queue.find_circle(array(select b.job_id from queue.blocked as b))) as c (id)

    union all
    select 'an edge of a job in the queue leads to another job in the queue', d.parent_id, format('the edge of %s stayed', d.job_id)
    from queue.job_dependencies as d
    where
        not exists (select from queue.processing_jobs as j where j.id = d.job_id)
        or (
            not exists (select from queue.processing_jobs as j where j.id = d.parent_id)
            and not d.satisfied and not exists (select from queue.cascades as c where c.job_id = d.parent_id)
        )

    union all
    -- Steps that were cancelled or failed end the video, unless a retry took them back.
    select 'a video is failed when a step of its pipeline has failed and none is at work', v.id, format('%s, but %s of %s steps of run %s failed', v.status, count(*) filter (where j.status <> 'completed'), count(*), j.pipeline_run)
    from media.videos as v
    inner join queue.processing_jobs as j on j.video_id = v.id and j.pipeline_run is not null
    where v.status not in ('failed', 'ready') and v.deleted_at is null
    group by v.id, v.status, j.pipeline_run
    having
        bool_or(j.status in ('failed', 'cancelled')) and not bool_or(j.status in ('queued', 'running'))
        and not exists (
            select from queue.processing_jobs as other
            where other.video_id = v.id and other.pipeline_run is not null and other.status in ('queued', 'running')
        )

    union all
    select 'the steps of a run of a pipeline belong to one video', min(j.id::text)::uuid, format('run %s is about %s videos', j.pipeline_run, count(distinct j.video_id))
    from queue.processing_jobs as j
    where j.pipeline_run is not null and j.video_id is not null
    group by j.pipeline_run
    having count(distinct j.video_id) > 1

    union all
    select 'a job belongs to a tenant, and its video to the same', j.id, format('tenant %s', j.tenant_id)
    from queue.processing_jobs as j
    left join identity.tenants as t on t.id = j.tenant_id
    left join media.videos as v on v.id = j.video_id
    where (j.tenant_id is not null and t.id is null) or (j.video_id is not null and (v.id is null or v.tenant_id <> j.tenant_id))

    union all
    select 'a job in the queue has a type', j.id, format('no type %s', j.job_type)
    from queue.processing_jobs as j
    left join queue.job_types as t on t.job_type = j.job_type
    where t.job_type is null and j.status in ('queued', 'running')

    union all
    select 'the history of a video that was deleted went with it', h.id, format('video %s', h.video_id)
    from queue.job_history as h
    where h.video_id is not null and not exists (select from media.videos as v where v.id = h.video_id)

    union all
    select 'every attempt that ended is in the history, once', j.id, format('token %s, %s rows, %s', j.token, count(a.job_id), j.status)
    from queue.processing_jobs as j
    left join queue.job_attempts as a on a.job_id = j.id
    group by j.id
    having count(a.job_id) <> j.token - (j.status = 'running')::integer or max(a.attempt) > j.token

    union all
    select 'a job is in the table of jobs or in the history', h.id, 'in both'
    from queue.job_history as h
    inner join queue.processing_jobs as j on j.id = h.id

    union all
    select 'a job of the history is over, and there once', h.id, format('%s rows, %s', count(*), min(h.status))
    from queue.job_history as h
    group by h.id
    having count(*) > 1 or min(h.status) not in ('completed', 'failed', 'cancelled')

    union all
    select 'attempts and edges went with their job', a.job_id, format('attempt %s stayed', a.attempt)
    from queue.job_attempts as a
    where exists (select from queue.job_history as h where h.id = a.job_id)
    union all
    select 'attempts and edges went with their job', d.job_id, format('the edge to %s stayed', d.parent_id)
    from queue.job_dependencies as d
    where exists (select from queue.job_history as h where h.id = d.job_id)
    union all
    select 'attempts and edges went with their job', a.job_id, format('attempt %s went alone', a.attempt)
    from queue.attempt_history as a
    where exists (select from queue.processing_jobs as j where j.id = a.job_id)

    union all
    -- Attempts are kept for a shorter time than jobs: ask for the last 30 days only, and as far back as they have partitions.
    select 'every attempt of an archived job is in the history, once', h.id, format('token %s, %s rows', h.token, count(a.job_id))
    from queue.job_history as h
    left join queue.attempt_history as a on a.job_id = h.id
    where h.token > 0
    group by h.id, h.token, h.created_at
    having
        max(a.attempt) > h.token or count(a.job_id) > h.token or (
            count(a.job_id) < h.token and h.created_at > base.clock() - interval '30 days' and h.created_at >= (
                select max(p.since) from base.partitions('queue.attempt_history') as p
                where
                    not p.detaching
                    and not exists (
                        select from base.partitions('queue.attempt_history') as q where q.until = p.since and not q.detaching
                    )
            )
        )
    );
$$;

comment on function queue.verify() is $$
The invariants of the queue, checked on live data. No row: all hold. Reads every table of the queue; run it on a
quiet hour or a replica when they are large.
$$;
