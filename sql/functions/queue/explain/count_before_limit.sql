create or replace function queue.count_before_limit(p_gate text, p_job queue.processing_jobs)
returns integer
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_most constant integer := 10000; -- where counting stops
    v_own queue.parked;
    v_before integer;
    v_urgency double precision;
    v_head record;
    v_priority smallint := -1;
begin
    select * into v_own from queue.parked as p where p.job_id = p_job.id and p.gate = p_gate;
    if not found then
        -- It comes behind all that wait there; and, if it was ready before the limit was set, behind what is more urgent of that. The first
        -- thousand say enough.
        select count(*) into v_before from (select from queue.parked as p where p.gate = p_gate limit v_most) as capped;
        select v_before + count(*) into v_before
        from (
            (
                select r.job_id
                from queue.ready as me
                cross join lateral (
                    select r.job_id from queue.ready as r
                    where r.lane = me.lane and (r.fair_key, r.seq) < (me.fair_key, me.seq) and r.limits is null
                    order by r.fair_key, r.seq
                    limit 1000
                ) as r
                where me.job_id = p_job.id
            )
            union all
            (
                select r.job_id
                from queue.ready as me
                cross join queue.lanes as l
                cross join lateral (select r.job_id from queue.ready as r where r.lane = l.lane and r.limits is null limit 1000) as r
                where me.job_id = p_job.id and l.priority < p_job.priority
                limit 1000
            )
        ) as ahead
        cross join lateral (
            select one.job_type, one.tenant_id, one.limits from queue.processing_jobs as one where one.id = ahead.job_id offset 0
        ) as j
        where p_gate = any(array['type:' || j.job_type, 'tenant:' || j.tenant_id] || array(select 'name:' || n from unnest(j.limits) as n));  -- mutant: explain sees no backlog before a job
        return least(v_before, v_most);
    end if;

    -- In the order in which queue.admit_from_gate lets them in.
    select count(*), max(first.rank) into v_before, v_urgency
    from (
        select p.rank from queue.parked as p
        where p.gate = p_gate and p.priority = v_own.priority and (p.fair_key, p.seq) < (v_own.fair_key, v_own.seq)
        order by p.fair_key, p.seq
        limit v_most
    ) as first;
    v_urgency := greatest(v_own.rank, v_urgency);
    loop
        select p.priority into v_head from queue.parked as p
        where p.gate = p_gate and p.priority > v_priority
        order by p.priority, p.fair_key, p.seq limit 1;
        exit when not found or v_before >= v_most;
        v_priority := v_head.priority;
        continue when v_priority = v_own.priority;
        for v_head in
            select p.rank from queue.parked as p
            where p.gate = p_gate and p.priority = v_priority
            order by p.fair_key, p.seq
            limit v_most - v_before
        loop
            exit when (v_head.rank, v_priority) > (v_urgency, v_own.priority);  -- mutant: explain counts all that wait behind a limit
            v_before := v_before + 1;
        end loop;
    end loop;
    return v_before;
end;
$$;

comment on function queue.count_before_limit(text, queue.processing_jobs) is $$
How many jobs get a permit of a limit before this one: those that wait behind it in the order of their turns, and what was ready before it was
set. Counting stops at 10,000.
$$;
