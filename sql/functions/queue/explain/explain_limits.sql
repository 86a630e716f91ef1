create or replace function queue.explain_limits(p_job queue.processing_jobs)
returns table (reason text, detail text, advice text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    with counted as (
        select l.*, l.used < l.max_running as is_turn, queue.count_before_limit(l.limit_key, p_job) as before  -- mutant: explain takes a turn for a full limit
        from queue.limit_states(coalesce(queue.find_limit_keys(p_job), '{}')) as l
        where not exists (select from queue.ready as r where r.job_id = p_job.id and l.limit_key = any(r.limits))
    )
    select
        case when c.is_turn then 'limit_turn' else 'over_limit' end,
        case
            -- How much others run is not for a tenant.
            when not base.is_operator() and c.tenant_id is null then format('The limit %s is used up.', c.name)  -- mutant: explain tells the load of others
            when c.is_turn then format(
                'The limit %s has %s of %s permits free, and %s wait%s before it: whichever worker claims next lets them in.', c.name,
                c.max_running - c.used, c.max_running, case c.before when 1 then '1 job' else base.format_count(c.before) || ' jobs' end,
                case c.before when 1 then 's' else '' end
            )
            else format(
                'The limit %s is used up: %s of %s (%s running, %s ready)%s.', c.name, c.used, c.max_running, c.running, c.used - c.running,
                case c.before when 0 then '' when 1 then '; 1 job waits before it' else format('; %s jobs wait before it', base.format_count(c.before)) end
            )
        end,
        case
            when not base.is_operator() then 'Wait, or ask the operator.'
            when c.is_turn then format('See that a worker looks for work; or: select queue.set_limit(%L, %s)', c.name, c.max_running + 1)
            else format('Wait, or: select queue.set_limit(%L, %s)', c.name, c.max_running + 1)
        end
    from counted as c
    where c.used + c.before >= c.max_running;  -- mutant: explain counts a limit wrongly
$$;

comment on function queue.explain_limits(queue.processing_jobs) is $$
The limits that keep a job out: of which it holds no permit, and none is free (over_limit), or those that are free are for the jobs that
wait before it (limit_turn). Of a limit that a tenant shares with others it is told only that it is used up.
$$;
