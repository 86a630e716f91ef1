create or replace function ops.list_partitions()
returns table (
    parent text, partition text, since timestamptz, until timestamptz, state text, rows_estimate bigint, size_bytes bigint
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    with attached as (
        select
            p.parent, ops.full_name(a.partition) as name, a.since, a.until,
            case
                when a.detaching then 'detaching'
                when a.since > base.clock() then 'ahead'
                when a.until > base.clock() then 'current'
                when a.until <= base.clock() - p.retention then 'expired'
                else 'kept'
            end as state
        from ops.partition_policies as p
        cross join lateral base.partitions(to_regclass(p.parent)) as a
    ),
    every as (
        select a.parent, a.name, a.since, a.until, a.state from attached as a
        union all
        select r.parent, r.partition, r.since, r.until, 'detached'
        from ops.retired_partitions as r
        where to_regclass(r.partition) is not null and not exists (select from attached as a where a.name = r.partition)
    )
    select e.parent, e.name, e.since, e.until, e.state, nullif(c.reltuples, -1)::bigint, pg_total_relation_size(c.oid)
    from every as e
    inner join pg_catalog.pg_class as c on c.oid = to_regclass(e.name)
    where base.is_operator()
    order by e.parent, e.since, e.name;
$$;

comment on function ops.list_partitions() is $$
The partitions of the tables in ops.partition_policies: span, state, size in bytes with indexes, and the rows as the last ANALYZE
estimated them (null: never analysed; nothing is counted). For operators; others see none.

State: ahead, current, kept (past, within the retention), expired (to be detached), detaching (interrupted: the next run ends
it), detached (waits for its drop).
$$;
