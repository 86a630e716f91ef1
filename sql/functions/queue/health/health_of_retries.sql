create or replace function queue.health_of_retries()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
-- One probe a job that waits: old statistics would have whole tables read.
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_now timestamptz := base.clock();
    v_most constant integer := 2000; -- jobs that are looked at, those first that are due first: back-offs are short
begin
    return query
    with waiting as materialized (
        select s.job_id from queue.scheduled as s order by s.due, s.job_id limit v_most
    ),
    retrying as materialized (
        select j.id, j.error_code as code, row_number() over (partition by j.error_code order by j.token desc, j.id) as n
        from waiting as w
        cross join lateral (
            select one.* from queue.processing_jobs as one
            where one.id = w.job_id and one.next_retry_at is not null and queue.remedy_of_code(one.error_code) is not null
            offset 0
        ) as j
    ),
    told as (
        select
            r.code, count(*) as jobs,
            -- Since when: the ten that were claimed most often know best.
            min((
                select min(a.ended_at) from queue.job_attempts as a where a.job_id = r.id and a.code = r.code
            )) filter (where r.n <= 10) as since
        from retrying as r
        group by r.code
    )
    select
        'retries',
        case
            when t.code like 'source%' or t.code = 'name_unknown' or t.since > v_now - interval '15 minutes' then 'warn' else 'bad'
        end,
        format(
            '%s%s back%s off for %s since %s', case when (select count(*) from waiting) = v_most then 'At least ' else '' end,
            case t.jobs when 1 then '1 job' else t.jobs || ' jobs' end, case t.jobs when 1 then 's' else '' end, t.code,
            date_trunc('second', t.since)
        ),
        format('%s Then: reelq jobs run-now --place backing-off --code %s', queue.remedy_of_code(t.code), t.code)
    from told as t
    -- A source that is away is its owner's trouble, as long as it is one of few.
    where t.jobs >= 10 or not (t.code like 'source%' or t.code = 'name_unknown')
    order by t.jobs desc, t.code;
    if not found then
        return query select 'retries', 'ok', 'No jobs back off for the sake of host or store.', null::text;
    end if;
end;
$$;

comment on function queue.health_of_retries() is $$
Part of queue.health: jobs that back off because of host, store or source, by code (queue.remedy_of_code), with since when and what to do.
It looks at the 2,000 scheduled jobs that are due first.
$$;
