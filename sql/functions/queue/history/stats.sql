create or replace function queue.stats(p_since interval default '24 hours')
returns setof queue.job_stats
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_now timestamptz := base.clock();
    v_from timestamptz;
    v_live timestamptz;
begin
    if p_since is null or p_since <= interval '0' or p_since > interval '2 years' then
        raise exception 'span must be above 0 and at most 2 years, not %', coalesce(p_since::text, 'null')
            using errcode = 'RQ008', hint = 'The default is 24 hours.';
    end if;
    v_from := date_trunc('hour', v_now - p_since);
    -- Count the hours that are not rolled up yet now: this one, and three more at most when the timer is late.
    select greatest(u.place::timestamptz, date_trunc('hour', v_now) - interval '3 hours', v_from) into v_live
    from queue.upkeep as u where u.task = 'stats';
    return query
    select s.* from queue.job_stats as s where s.hour >= v_from and s.hour < v_live
    union all
    select n.* from queue.count_attempts(v_live, 'infinity') as n
    order by 1 desc, 2, 3;
end;
$$;

comment on function queue.stats(interval) is $$
Attempts by hour, job type and outcome, latest hour first: how many, and their seconds. What is rolled up comes from
queue.job_stats, the hour that runs (and three more at most, when queue.roll_up_stats is late) is added up now.

Raises
  RQ008  a span of nothing or more than two years
$$;
