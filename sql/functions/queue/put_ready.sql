create or replace function queue.put_ready(p_job_ids uuid[])
returns void
language plpgsql
volatile
set search_path = ''
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_types text[];
begin
    insert into queue.lanes (job_type, priority, weight, needs)
    select distinct j.job_type, j.priority, j.weight, j.needs
    from queue.processing_jobs as j
    where
        j.id = any(p_job_ids)
        and not exists (
            select from queue.lanes as l
            where l.job_type = j.job_type and l.priority = j.priority and l.weight = j.weight and l.needs = j.needs
        )
    order by 1, 2, 3, 4
    on conflict do nothing;

    insert into queue.ready (lane, seq, job_id, ready_at)
    select l.lane, nextval('queue.ready_seq'), j.id, v_now
    from unnest(p_job_ids) as wanted
    inner join queue.processing_jobs as j on j.id = wanted
    inner join queue.lanes as l
        on l.job_type = j.job_type and l.priority = j.priority and l.weight = j.weight and l.needs = j.needs;

    -- Notifying takes a lock that every committing notifier waits for: only while somebody sleeps.
    if exists (select from queue.sleepers) then
        v_types := array(select distinct j.job_type from queue.processing_jobs as j where j.id = any(p_job_ids));
        perform pg_notify('reelq_ready', t)
        from unnest(v_types) as t
        where exists (select from queue.sleepers as s where s.types is null or t = any(s.types));
    end if;
end;
$$;

comment on function queue.put_ready(uuid[]) is $$
Make queued jobs claimable, in the order given, and wake a sleeping worker that takes them.
$$;
