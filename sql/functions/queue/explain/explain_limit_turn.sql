create or replace function queue.explain_limit_turn(p_job queue.processing_jobs)
returns table (reason text, detail text, advice text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    with counted as (
        select l.*, queue.count_before_limit(l.limit_key, p_job) as before
        from queue.limit_states(coalesce(queue.find_limit_keys(p_job), '{}')) as l
        where not exists (select from queue.ready as r where r.job_id = p_job.id and l.limit_key = any(r.limits))
    )
    select
        'over_limit',
        case
            -- How much others run is not for a tenant.
            when not base.is_operator() and c.tenant_id is null then format('The limit %s is used up.', c.name)
            else format(
                'The limit %s has %s of %s permits free, and %s wait%s before it: whichever worker claims next lets them in.', c.name,
                c.max_running - c.used, c.max_running, case c.before when 1 then '1 job' else base.format_count(c.before) || ' jobs' end,
                case c.before when 1 then 's' else '' end
            )
        end,
        case
            when not base.is_operator() then 'Wait, or ask the operator.'
            else format('See that a worker looks for work; or: select queue.set_limit(%L, %s)', c.name, c.max_running + 1)
        end
    from counted as c
    where c.used < c.max_running and c.used + c.before >= c.max_running;  -- mutant: explain counts those before a job wrongly
$$;

comment on function queue.explain_limit_turn(queue.processing_jobs) is $$
The limits with a free permit that is for those who wait before this job. They keep it out only if nothing else does, which queue.explain_job
asks first: what is paused, say, gives way to it.
$$;
