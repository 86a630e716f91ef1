create or replace function queue.lock_queued_jobs(p_job_ids uuid[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_ids uuid[];
    v_dues timestamptz[];
begin
    select array_agg(locked.id), array_agg(locked.scheduled_for) into v_ids, v_dues
    from (
        select j.id, j.scheduled_for from queue.processing_jobs as j where j.id = any(p_job_ids) order by j.id for no key update  -- mutant: a bulk change locks jobs as they come
    ) as locked;
    -- Whoever makes a job ready because its time has come or its last parent has completed does not lock the record. So lock its place
    -- too, in the order in which a job moves: one that moves meanwhile is found at its next place.
    perform from queue.blocked as b where b.job_id = any(v_ids) order by b.job_id for update;
    perform from unnest(v_ids, v_dues) as w (id, due)
    cross join lateral (select from queue.scheduled as s where s.due = w.due and s.job_id = w.id for update) as locked;
    perform from queue.parked as p where p.job_id = any(v_ids) order by p.job_id for update;
    perform from queue.ready as r where r.job_id = any(v_ids) order by r.job_id for update;
end;
$$;

comment on function queue.lock_queued_jobs(uuid[]) is $$
Lock jobs and then the places where they stand, until the end of the transaction. What they are now is to be read afterwards.
$$;
