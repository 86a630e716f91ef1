create or replace function queue.tenant_stats(p_since interval default '24 hours')
returns table (
    hour timestamptz, job_type text, outcome text, jobs bigint, seconds double precision, cpu_seconds double precision,
    max_seconds double precision, at_least boolean
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set jit = off
-- One probe a job that is looked at: old statistics would have whole tables read.
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_tenant constant uuid := queue.one_visible_tenant();
    v_most constant integer := 100000; -- jobs that are looked at, here and in the history
    v_from timestamptz;
begin
    if p_since is null or p_since <= interval '0' or p_since > interval '2 years' then
        raise exception 'span must be above 0 and at most 2 years, not %', coalesce(p_since::text, 'null')
            using errcode = 'RQ008', hint = 'The default is 24 hours.';
    end if;
    v_from := date_trunc('hour', base.clock() - p_since);
    return query
    with live as materialized (
        select j.id, j.token > 0 and j.status_changed_at >= v_from as has_ended
        from queue.processing_jobs as j where j.tenant_id = v_tenant  -- mutant: figures of a tenant are those of all
        order by j.tenant_id desc, j.id desc limit v_most
    ),
    old as materialized (
        select h.id from queue.job_history as h
        where h.tenant_id = v_tenant and h.completed_at >= v_from
        order by h.completed_at desc limit v_most
    ),
    ended as (
        select a.* from live as l
        cross join lateral (select one.* from queue.job_attempts as one where one.job_id = l.id offset 0) as a
        where l.has_ended
        union all
        select a.* from old as o
        cross join lateral (select one.* from queue.attempt_history as one where one.job_id = o.id and one.ended_at >= v_from offset 0) as a
    )
    select
        date_trunc('hour', e.ended_at), e.job_type, e.outcome, count(*),
        sum(extract(epoch from e.ended_at - e.started_at))::double precision,
        coalesce(sum(e.cpu_seconds::double precision), 0),
        max(extract(epoch from e.ended_at - e.started_at))::double precision,
        greatest((select count(*) from live), (select count(*) from old)) >= v_most
    from ended as e
    where e.ended_at >= v_from
    group by 1, 2, 3
    order by 1 desc, 2, 3;
end;
$$;

comment on function queue.tenant_stats(interval) is $$
queue.stats of the tenant that reelq.tenant_id names: its attempts by hour, job type and outcome, latest hour first. The hourly roll-up knows
no tenants, so they are added up now, from its latest 100,000 jobs and as many in the history: where there are more, at_least
is true, and the figures are so many or more.
  select identity.act_for('acme');

Raises
  RQ004  reelq.tenant_id names no tenant
  RQ008  a span of nothing or more than two years
$$;
