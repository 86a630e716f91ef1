create or replace function queue.explain_turn(p_job queue.processing_jobs)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
as $$
declare
    v_now timestamptz := base.clock();
    v_before integer;
    v_slots integer;
    v_busy numeric;
    v_look timestamptz;
begin
    if not base.is_operator() then
        return 'It may run now.';
    end if;
    select count(*) into v_before
    from queue.ready as me
    cross join lateral (
        select from queue.ready as r
        where r.lane = me.lane and (r.fair_key, r.seq) < (me.fair_key, me.seq)
        order by r.fair_key, r.seq  -- in the order of the index that has both, and so by that
        limit 10000
    ) as capped
    where me.job_id = p_job.id;
    select v_before + count(*) into v_before from (
        select from queue.lanes as l inner join queue.ready as r on r.lane = l.lane
        where l.priority < p_job.priority
        limit 10000
    ) as capped;
    select sum(w.slots), max(w.last_look_at), sum((
        select coalesce(sum(j.weight::numeric / t.batch), 0)
        from queue.leases as e
        -- `offset 0`: one probe a lease. With old statistics a join may read the whole table.
        cross join lateral (select one.job_type, one.weight from queue.processing_jobs as one where one.id = e.job_id offset 0) as j
        inner join queue.job_types as t on t.job_type = j.job_type
        where e.worker_id = w.worker_id
    ))
    into v_slots, v_look, v_busy
    from queue.workers as w
    where
        w.status = 'active' and w.trouble is null and w.last_beat_at > v_now - interval '1 minute'
        and (w.types is null or p_job.job_type = any(w.types)) and p_job.needs <@ w.capabilities and p_job.weight <= w.slots;
    return format(
        'It may run now. %s of equal or higher rank %s before it; %s of %s slots of the workers that take it are busy, and %s.',
        case v_before when 0 then 'No job' when 1 then '1 job' else base.format_count(v_before) || ' jobs' end,
        case when v_before > 1 then 'come' else 'comes' end, ceil(v_busy), v_slots,
        case
            when v_look is null then 'none has looked for work yet'
            when v_look < v_now - interval '10 seconds' then format('none has looked for work for %s', base.format_interval(v_now - v_look))
            else 'one has looked for work just now'
        end
    );
end;
$$;

comment on function queue.explain_turn(queue.processing_jobs) is $$
How long the line before a claimable job is, how busy the workers are that take it, and when one last looked. Counting stops at 10,000. A
tenant, whom the others' load is no business of, is told that the job may run.
$$;
