create or replace function queue.lock_for_repair(p_job_id uuid)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_parents uuid[];
begin
    -- One row after the other: places first, then the job, then its parents. A row that exists and cannot be locked is another session's.
    perform from queue.blocked as b where b.job_id = p_job_id for update skip locked;
    if not found and exists (select from queue.blocked as b where b.job_id = p_job_id) then
        return false;
    end if;
    perform from queue.scheduled as s
    inner join queue.processing_jobs as j on j.scheduled_for = s.due and j.id = s.job_id
    where j.id = p_job_id for update of s skip locked;
    if not found and exists (
        select from queue.scheduled as s
        inner join queue.processing_jobs as j on j.scheduled_for = s.due and j.id = s.job_id
        where j.id = p_job_id
    ) then
        return false;
    end if;
    perform from queue.parked as p where p.job_id = p_job_id for update skip locked;
    if not found and exists (select from queue.parked as p where p.job_id = p_job_id) then
        return false;
    end if;
    perform from queue.ready as r where r.job_id = p_job_id for update skip locked;
    if not found and exists (select from queue.ready as r where r.job_id = p_job_id) then
        return false;
    end if;
    perform from queue.processing_jobs as j where j.id = p_job_id for no key update skip locked;
    if not found and exists (select from queue.processing_jobs as j where j.id = p_job_id) then
        return false;
    end if;
    perform from queue.leases as l where l.job_id = p_job_id for update skip locked;
    if not found and exists (select from queue.leases as l where l.job_id = p_job_id) then
        return false;
    end if;
    perform from queue.dead_letters as d where d.job_id = p_job_id for update skip locked;
    if not found and exists (select from queue.dead_letters as d where d.job_id = p_job_id) then
        return false;
    end if;
    -- Lock the parents too: one that completes now would not see this repair, nor would the repair see what it did.
    v_parents := array(
        select parent.id from queue.processing_jobs as parent
        where parent.id = any(array(
            select e.parent_id from queue.job_dependencies as e where e.job_id = p_job_id
            union
            select unnest(j.depends_on) from queue.processing_jobs as j where j.id = p_job_id
        ))
    );
    return cardinality(v_parents) = (
        select count(*)
        from (select from queue.processing_jobs as parent where parent.id = any(v_parents) for share skip locked) as held
    );
end;
$$;

comment on function queue.lock_for_repair(uuid) is $$
Lock a job, its places and its parents, without waiting for anybody. False: another session holds one of them.
$$;
