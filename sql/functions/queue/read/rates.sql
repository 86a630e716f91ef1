create or replace function queue.rates(p_window interval default '5 minutes')
returns table (job_type text, completed integer, failed integer, per_minute double precision, median_s double precision)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_window is null or p_window <= interval '0' or p_window > interval '1 day' then
        raise exception 'window must be above 0 and at most 1 day, not %', coalesce(p_window::text, 'null')
            using errcode = 'RQ008', hint = 'The default is 5 minutes.';
    end if;
    return query
    select
        a.job_type,
        (count(*) filter (where a.outcome = 'completed'))::integer,
        (count(*) filter (where a.outcome in ('failed', 'retried', 'lost')))::integer,
        (count(*) filter (where a.outcome = 'completed')) * 60 / extract(epoch from p_window)::double precision,
        percentile_cont(0.5) within group (
            order by extract(epoch from a.ended_at - a.started_at)::double precision
        ) filter (where a.outcome = 'completed')
    from queue.job_attempts as a
    where a.ended_at > base.clock() - p_window
    group by a.job_type
    order by a.job_type;
end;
$$;

comment on function queue.rates(interval) is $$
Attempts that ended within the window, by type: how many completed and failed, completions a minute,
and the median length in seconds of those that completed.

Raises
  RQ008  a window of nothing or more than a day
$$;
