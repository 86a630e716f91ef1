create or replace function queue.count_attempts(p_since timestamptz, p_until timestamptz)
returns setof queue.job_stats
language sql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
    select
        date_trunc('hour', a.ended_at),
        a.job_type,
        a.outcome,
        count(*),
        sum(extract(epoch from a.ended_at - a.started_at))::double precision,
        coalesce(sum(a.cpu_seconds::double precision), 0),
        max(extract(epoch from a.ended_at - a.started_at))::double precision
    from queue.all_attempts as a
    where a.ended_at >= p_since and a.ended_at < p_until
    group by 1, 2, 3;
$$;

comment on function queue.count_attempts(timestamptz, timestamptz) is $$
The attempts that ended in a span of time, added up by hour, type and outcome. Found by the BRIN indexes on ended_at; give
it hours, not months.
$$;
