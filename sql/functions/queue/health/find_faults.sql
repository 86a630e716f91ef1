create or replace function queue.find_faults(p_job_ids uuid[])
returns table (job_id uuid, fault text)
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
    with seen as materialized (
        select
            asked.id, j.status, j.token, j.worker_id, j.scheduled_for, j.depends_on,
            r.job_id is not null as is_ready, b.pending, p.job_id is not null as is_parked, d.job_id is not null as is_dead,
            l.job_id is not null as is_leased, (l.token, l.worker_id) is distinct from (j.token, j.worker_id) as is_other_lease,
            (lane.job_type, lane.priority, lane.weight, lane.needs) is distinct from (j.job_type, j.priority, j.weight, j.needs) as is_other_lane,
            p.priority <> 0 and (p.priority, p.flow) is distinct from (j.priority, coalesce(j.tenant_id, '00000000-0000-0000-0000-000000000000')) as is_other_turn,
            exists (select from queue.scheduled as s where s.due = j.scheduled_for and s.job_id = j.id) as is_scheduled,
            (select count(*) from queue.job_dependencies as e where e.job_id = asked.id and not e.satisfied) as open_edges
        from (select distinct u.id from unnest(p_job_ids) as u (id)) as asked
        left join queue.processing_jobs as j on j.id = asked.id
        left join queue.ready as r on r.job_id = asked.id
        left join queue.lanes as lane on lane.lane = r.lane
        left join queue.blocked as b on b.job_id = asked.id
        left join queue.parked as p on p.job_id = asked.id
        left join queue.leases as l on l.job_id = asked.id
        left join queue.dead_letters as d on d.job_id = asked.id
    ),
    placed as (
        select
            s.*,
            -- If a queued job has rows in several places, this one stays.
            case
                when s.status is distinct from 'queued' then 'none'
                when s.pending is not null then 'blocked'
                when s.is_parked then 'parked'
                when s.is_scheduled and (s.scheduled_for > base.clock() or not s.is_ready) then 'scheduled'
                when s.is_ready then 'ready'
                else 'nowhere'
            end as place
        from seen as s
    )
    -- In the order in which they are repaired: a repair may solve or uncover the next.
    select p.id, found.fault
    from placed as p
    cross join lateral (
        values
        (1, 'misplaced ready row', p.is_ready and p.place <> 'ready'),
        (2, 'misplaced scheduled row', p.is_scheduled and p.place <> 'scheduled'),
        (3, 'misplaced blocked row', p.pending is not null and p.place <> 'blocked'),
        (4, 'misplaced parked row', p.is_parked and p.place <> 'parked'),
        (5, 'orphaned lease', p.is_leased and p.status is distinct from 'running'),
        (6, 'orphaned dead letter', p.is_dead and p.status is distinct from 'failed'),
        (7, 'missing edge', p.place in ('blocked', 'nowhere') and exists (
            select from unnest(p.depends_on) as parent_id
            inner join queue.processing_jobs as parent on parent.id = parent_id
            where not exists (select from queue.job_dependencies as e where e.job_id = p.id and e.parent_id = parent.id)
        )),
        (8, 'edge closed too soon', p.place in ('blocked', 'nowhere') and exists (
            select from queue.job_dependencies as e
            inner join queue.processing_jobs as parent on parent.id = e.parent_id
            where e.job_id = p.id and e.satisfied and e.on_failure <> 'run' and parent.status in ('queued', 'running')
        )),
        (9, 'queued in no place', p.place = 'nowhere'),
        (10, 'in the wrong lane', p.place = 'ready' and p.is_other_lane),
        (10, 'parked for another turn', p.place = 'parked' and p.is_other_turn),
        (11, 'edge left open', p.place = 'blocked' and exists (
            select from queue.job_dependencies as e
            left join queue.processing_jobs as parent on parent.id = e.parent_id
            where
                e.job_id = p.id and not e.satisfied and coalesce(parent.status, 'gone') not in ('queued', 'running')
                and not exists (select from queue.cascades as c where c.job_id = e.parent_id)
        )),
        (12, 'wrong count of parents', p.place = 'blocked' and p.pending <> p.open_edges),
        (13, 'running with an open edge', p.status = 'running' and p.open_edges > 0),
        (14, 'running without a lease', p.status = 'running' and not p.is_leased),
        (15, 'lease of another attempt', p.status = 'running' and p.is_leased and p.is_other_lease),
        (16, 'failed without a dead letter', p.status = 'failed' and not p.is_dead),
        (17, 'edge to a job that is gone', p.status in ('completed', 'failed', 'cancelled') and exists (
            select from queue.job_dependencies as e
            where
                e.job_id = p.id and not e.satisfied
                and not exists (select from queue.processing_jobs as parent where parent.id = e.parent_id)
                and not exists (select from queue.cascades as c where c.job_id = e.parent_id)
        ))
    ) as found (n, fault, is_so)
    where found.is_so
    order by p.id, found.n;
$$;

comment on function queue.find_faults(uuid[]) is $$
Where the record of these jobs and the narrow tables disagree, as one snapshot sees it; nothing for a sound job, however
busy. By index alone: a row of queue.scheduled under another time than the record's is queue.repair's own look.
$$;
