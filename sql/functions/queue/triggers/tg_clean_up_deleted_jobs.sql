create or replace function queue.tg_clean_up_deleted_jobs()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_ids uuid[] := array(select j.id from old_jobs as j order by j.id);
    v_parents uuid[];
    v_doomed uuid[];
    v_children uuid[];
    v_limits text[];
begin
    perform base.check_read_committed();
    -- Counters before edges, as when a parent completes; then the places in the order in which a job moves (docs/design/locks.md).
    perform from queue.blocked as b where b.job_id = any(v_ids) order by b.job_id for update;
    delete from queue.blocked as b where b.job_id = any(v_ids);
    perform from queue.job_dependencies as d where d.job_id = any(v_ids) order by d.parent_id, d.job_id for update;
    delete from queue.job_dependencies as d where d.job_id = any(v_ids);
    delete from queue.scheduled as s using old_jobs as j where s.due = j.scheduled_for and s.job_id = j.id;
    delete from queue.parked as p where p.job_id = any(v_ids);
    with gone as (
        delete from queue.ready as r where r.job_id = any(v_ids) returning r.limits  -- mutant: a deleted job leaves its place behind
    )
    select array_agg(k) into v_limits from gone as g cross join lateral unnest(g.limits) as k;
    perform queue.release_permits(v_limits);
    with gone as (
        delete from queue.leases as l where l.job_id = any(v_ids) returning l.limits
    )
    select array_agg(k) into v_limits from gone as g cross join lateral unnest(g.limits) as k;
    perform queue.release_permits(v_limits);
    delete from queue.spawned as s where s.job_id = any(v_ids) or s.parent_id = any(v_ids);
    delete from queue.dead_letters as d where d.job_id = any(v_ids);
    delete from queue.job_attempts as a where a.job_id = any(v_ids);
    -- A deleted parent can never complete: its children are dealt with as if it had failed.
    v_parents := array(select distinct d.parent_id from queue.job_dependencies as d where d.parent_id = any(v_ids));
    if v_parents <> '{}' then
        -- These jobs are locked already, and their children may have lower ids or other videos: wait for none of them. Where somebody holds one,
        -- or a child came meanwhile, all are left to the claims that go on.
        v_doomed := queue.find_doomed(v_parents);
        v_children := v_doomed || array(
            select d.job_id from queue.job_dependencies as d
            where d.parent_id = any(v_parents || v_doomed) and not d.satisfied and d.on_failure = 'run'
            limit 5000
        );
        if v_children <> '{}' then
            if cardinality(queue.lock_unheld(v_children)) = (select count(distinct c) from unnest(v_children) as c)  -- mutant: a delete waits for the children
                and queue.find_doomed(v_parents) <@ v_doomed then
                perform queue.settle_children_of_failed(v_parents);
            else
                insert into queue.cascades (job_id)
                select p from unnest(v_parents) as p
                where (select true from queue.job_dependencies as d where d.parent_id = p and not d.satisfied limit 1)
                on conflict do nothing;
            end if;
        end if;
        -- If these have more children than one transaction deals with, their edges stay until the claims that go on have met them. So does
        -- an edge that somebody holds, as who deletes the child.
        delete from queue.job_dependencies as d
        where d.ctid = any(array(
            select e.ctid from queue.job_dependencies as e
            where e.parent_id = any(v_parents) and (select true from queue.cascades as c where c.job_id = e.parent_id) is null
            for update skip locked  -- mutant: a delete waits for edges
        ));
        insert into queue.cascades (job_id)
        select p from unnest(v_parents) as p
        where (select true from queue.job_dependencies as d where d.parent_id = p limit 1)
        on conflict (job_id) do update set place = '00000000-0000-0000-0000-000000000000';  -- mutant: edges stay that a cascade has passed
    end if;
    return null;
end;
$$;

comment on function queue.tg_clean_up_deleted_jobs() is $$
Trigger after delete on queue.processing_jobs, once a statement: removes what the narrow tables
know of the jobs, and deals with those that wait for them; where another session holds one of those, a claim does it later (queue.cascades). A worker that runs one of them learns from its next heartbeat that it is lost.

Raises
  RQ002  the caller is not READ COMMITTED
$$;

create or replace trigger clean_up_deleted_jobs
after delete on queue.processing_jobs
referencing old table as old_jobs
for each statement execute function queue.tg_clean_up_deleted_jobs();
