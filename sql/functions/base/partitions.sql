create or replace function base.partitions(p_parent regclass)
returns table (partition regclass, since timestamptz, until timestamptz, detaching boolean)
language sql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
    select
        i.inhrelid::regclass,
        substring(b.bounds from $re$FROM \('([^']+)'\)$re$)::timestamptz,
        substring(b.bounds from $re$TO \('([^']+)'\)$re$)::timestamptz,
        i.inhdetachpending
    from pg_catalog.pg_inherits as i
    inner join pg_catalog.pg_class as c on c.oid = i.inhrelid and c.relispartition
    cross join lateral (select pg_get_expr(c.relpartbound, c.oid) as bounds) as b
    where i.inhparent = p_parent
    order by 2;
$$;

comment on function base.partitions(regclass) is $$
The partitions of a table that is partitioned by range of time, earliest first, with the bounds of each: since
belongs to it, until does not. detaching: a DETACH … CONCURRENTLY was interrupted, and FINALIZE ends it.
$$;
