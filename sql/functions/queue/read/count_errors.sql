create or replace function queue.count_errors()
returns table (place text, error_code text, tenant text, jobs bigint, job_types text[], at_least boolean)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
-- One probe a job that is looked at: old statistics would have whole tables read.
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
    perform base.check_operator();
    return query
    with looked as materialized (
        (select 'dead letter' as place, d.job_id from queue.dead_letters as d order by d.failed_at desc limit 10000)
        union all
        (select 'backing off', s.job_id from queue.scheduled as s order by s.due, s.job_id limit 10000)
    ),
    met as (
        select l.place, j.error_code, j.tenant_id, j.job_type
        from looked as l
        cross join lateral (
            select one.* from queue.processing_jobs as one
            where one.id = l.job_id and (l.place = 'dead letter' or one.next_retry_at is not null)
            offset 0
        ) as j
        where j.error_code is not null
    )
    select
        m.place, m.error_code, (select t.slug from identity.tenants as t where t.id = m.tenant_id), count(*), array_agg(distinct m.job_type),
        (select count(*) from looked as l where l.place = m.place) >= 10000
    from met as m
    group by m.place, m.error_code, m.tenant_id
    order by m.place = 'backing off', count(*) desc, m.error_code, m.tenant_id;
end;
$$;

comment on function queue.count_errors() is $$
Dead letters and jobs that back off, by error code and tenant: what a bad night is made of. It looks at the latest 10,000 dead letters
and at the 10,000 scheduled jobs that are due first; where there are more, at_least is true. For operators.

Raises
  42501  the caller is no operator
$$;
