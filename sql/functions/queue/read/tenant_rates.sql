create or replace function queue.tenant_rates(p_window interval default '5 minutes')
returns table (job_type text, completed integer, failed integer, per_minute double precision, median_s double precision, at_least text[])
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
-- One probe an attempt that is looked at: old statistics would have whole tables read.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_tenant constant uuid := queue.one_visible_tenant();
    v_most constant integer := 10000; -- attempts of all tenants that are looked at
    v_from timestamptz;
begin
    if p_window is null or p_window <= interval '0' or p_window > interval '1 day' then
        raise exception 'window must be above 0 and at most 1 day, not %', coalesce(p_window::text, 'null')
            using errcode = 'RQ008', hint = 'The default is 5 minutes.';
    end if;
    v_from := base.clock() - p_window;
    return query
    with looked as materialized (
        select a.job_id, a.job_type, a.outcome, extract(epoch from a.ended_at - a.started_at)::double precision as seconds
        from queue.job_attempts as a where a.ended_at > v_from
        limit v_most
    )
    select
        l.job_type,
        (count(*) filter (where l.outcome = 'completed'))::integer,
        (count(*) filter (where l.outcome in ('failed', 'retried', 'lost')))::integer,
        (count(*) filter (where l.outcome = 'completed')) * 60 / extract(epoch from p_window)::double precision,
        percentile_cont(0.5) within group (order by l.seconds) filter (where l.outcome = 'completed'),
        case when (select count(*) from looked) >= v_most then '{completed,failed}'::text[] else '{}' end
    from looked as l
    cross join lateral (select from queue.processing_jobs as j where j.id = l.job_id and j.tenant_id = v_tenant offset 0) as own  -- mutant: the rates of a tenant are those of all
    group by l.job_type
    order by l.job_type;
end;
$$;

comment on function queue.tenant_rates(interval) is $$
queue.rates of the tenant that reelq.tenant_id names: its attempts that ended within the window, by type. It looks at 10,000 attempts
of all tenants: where more ended in the window, at_least names the columns that may be more.

Raises
  RQ004  reelq.tenant_id names no tenant
  RQ008  a window of nothing or more than a day
$$;
