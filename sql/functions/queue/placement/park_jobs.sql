create or replace function queue.park_jobs(p_job_ids uuid[], p_gates text[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
begin
    insert into queue.parked (gate, rank, seq, job_id, job_type)
    -- A scheduled_for before the enqueue, which any caller may give, must not make a job more urgent.
    select placed.gate, extract(epoch from greatest(placed.scheduled_for, placed.created_at)) + 3600 * placed.priority, nextval('queue.ready_seq'), placed.id, placed.job_type
    from (
        select behind.gate, j.priority, j.scheduled_for, j.created_at, j.id, j.job_type
        from unnest(p_job_ids, p_gates) with ordinality as behind (id, gate, n)
        inner join queue.processing_jobs as j on j.id = behind.id
        order by behind.n
    ) as placed;

    -- Write an event for a pause too: it may end, and its gate be processed, before this transaction commits.
    insert into queue.gate_events (gate, permits) select distinct gate, 0 from unnest(p_gates) as gate order by gate;
end;
$$;

comment on function queue.park_jobs(uuid[], text[]) is $$
Park queued jobs behind gates, one gate each, in the order given. The next claim looks whether the gate is open.
$$;
