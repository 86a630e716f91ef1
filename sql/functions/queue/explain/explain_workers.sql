create or replace function queue.explain_workers(p_job queue.processing_jobs)
returns table (reason text, detail text, advice text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_live integer;
    v_type integer;
    v_able integer;
    v_large integer;
    v_active integer;
    v_lack text;
begin
    select
        count(*), count(*) filter (where w.takes), count(*) filter (where w.takes and w.able),
        count(*) filter (where w.takes and w.able and w.large), count(*) filter (where w.takes and w.able and w.large and w.active)
    into v_live, v_type, v_able, v_large, v_active
    from (
        select
            w.types is null or p_job.job_type = any(w.types) as takes,
            p_job.needs <@ w.capabilities as able,
            p_job.weight <= w.slots as large,
            w.status = 'active' and w.drain_requested_at is null as active  -- mutant: explain counts draining workers
        from queue.workers as w
        where w.status in ('active', 'draining') and w.last_beat_at > base.clock() - interval '1 minute'
    ) as w;
    if v_active > 0 then
        return;
    end if;
    reason := 'no_worker';
    select string_agg(n, ', ') into v_lack from unnest(p_job.needs) as n
    where not exists (
        select from queue.workers as w
        where
            w.status in ('active', 'draining') and w.last_beat_at > base.clock() - interval '1 minute' and n = any(w.capabilities)
            and (w.types is null or p_job.job_type = any(w.types))
    );
    detail := case
        when v_live = 0 then 'No worker is at work.'
        when v_type = 0 then format('No live worker takes jobs of type %s.', p_job.job_type)
        when v_able = 0 then format('No live worker that takes %s offers %s.', p_job.job_type, coalesce(v_lack, array_to_string(p_job.needs, ' together with ')))
        when v_large = 0 then format('It takes %s slots, more than any live worker has.', p_job.weight)
        else 'All workers that could take it are draining.'
    end;
    advice := case
        when v_live = 0 or v_type = 0 or v_large > 0 then format('reelq worker run --types %s; who is there: reelq workers list', p_job.job_type)
        when v_able = 0 then 'Start a worker with REELQ_CAPABILITIES that hold it; who offers what: reelq workers list --json'
        else format('reelq worker run --slots %s', p_job.weight)
    end;
    return next;
end;
$$;

comment on function queue.explain_workers(queue.processing_jobs) is $$
Why no live worker could take a job, by type, capabilities, slots and drain; no row: one could.
$$;
