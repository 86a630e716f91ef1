create or replace function queue.health_of_tables()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'  -- bounds of partitions are read as text
as $$
begin
    return query
    select
        'dead rows', 'warn', format('queue.%s has %s dead rows beside %s live ones', s.relname, s.n_dead_tup, s.n_live_tup),
        format('See snapshots and autovacuum; then: vacuum (verbose) queue.%I', s.relname)
    from pg_stat_user_tables as s
    inner join pg_class as c on c.oid = s.relid
    cross join lateral (
        select
            max(o.option_value) filter (where o.option_name = 'autovacuum_vacuum_threshold') as threshold,
            max(o.option_value) filter (where o.option_name = 'autovacuum_vacuum_scale_factor') as scale
        from pg_options_to_table(c.reloptions) as o
    ) as own
    -- Ten times the threshold of autovacuum: it does not run, or may not remove the rows.
    where s.schemaname = 'queue' and s.n_dead_tup > greatest(10000, 10 * (
        coalesce(own.threshold, current_setting('autovacuum_vacuum_threshold'))::double precision
        + coalesce(own.scale, current_setting('autovacuum_vacuum_scale_factor'))::double precision * greatest(c.reltuples, 0)
    ))
    order by s.n_dead_tup desc;
    if not found then
        return query select 'dead rows', 'ok', 'Autovacuum keeps up.', null::text;
    end if;

    return query
    select
        'autovacuum', 'bad', format('It is turned off for queue.%s', c.relname),
        format('alter table queue.%I reset (autovacuum_enabled)', c.relname)
    from pg_class as c
    cross join lateral pg_options_to_table(c.reloptions) as o
    where
        c.relnamespace = to_regnamespace('queue') and c.relkind in ('r', 'p')
        and o.option_name = 'autovacuum_enabled' and o.option_value in ('false', 'off', 'no', '0');

    return query
    select
        'indexes', 'warn', format('%s is not valid: every write pays for it, no query uses it', i.indexrelid::regclass),
        format('reindex index concurrently %1$s; or, if its name ends in _ccnew or _ccold: drop index %1$s', i.indexrelid::regclass)
    from pg_index as i
    inner join pg_class as c on c.oid = i.indexrelid
    where
        not i.indisvalid and c.relkind = 'i' and c.relnamespace::regnamespace::text !~ '^pg_'
        and not exists (select from pg_stat_progress_create_index as p where p.relid = i.indrelid)
    order by 3;
    if not found then
        return query select 'indexes', 'ok', 'All are valid.', null::text;
    end if;

    -- A row later than the last partition would be refused.
    return query
    select
        'partitions',
        case when until.at is null or until.at <= base.clock() then 'bad' when until.at <= base.clock() + interval '1 day' then 'warn' else 'ok' end,
        case
            when until.at is null then format('queue.%s has no partition', t.relname)
            else format('The partitions of queue.%s reach until %s', t.relname, until.at)
        end,
        case when until.at is null or until.at <= base.clock() + interval '1 day' then 'reelq partitions maintain, hourly: docs/operate.md, Upkeep.' end
    from pg_class as t
    inner join pg_partitioned_table as p on p.partrelid = t.oid and p.partstrat = 'r' and p.partnatts = 1
    inner join pg_attribute as a on a.attrelid = t.oid and a.attnum = p.partattrs[0]
    cross join lateral (
        select
            max(replace(
                substring(pg_get_expr(part.relpartbound, part.oid) from $re$ TO \('?([^')]+)'?\)$re$), 'MAXVALUE', 'infinity'
            )::timestamptz) as at
        from pg_inherits as i
        inner join pg_class as part on part.oid = i.inhrelid
        where i.inhparent = t.oid
    ) as until
    where t.relnamespace = to_regnamespace('queue') and a.atttypid in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
    order by t.relname;
end;
$$;

comment on function queue.health_of_tables() is $$
Part of queue.health: dead rows, tables without autovacuum, invalid indexes, and partitions ahead of time.
$$;
