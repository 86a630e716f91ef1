create or replace function ops.health_of_server()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_major integer := current_setting('server_version_num')::integer / 10000;
    v_frozen bigint := current_setting('autovacuum_freeze_max_age')::bigint;
    v_failsafe bigint := greatest(current_setting('vacuum_failsafe_age')::bigint, v_frozen * 21 / 20);
    v_age bigint;
    v_used integer;
    v_most integer := current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer;
begin
    return query
    select
        'server',
        case when v_major < 15 or pg_is_in_recovery() then 'bad' when v_major > 18 then 'warn' else 'ok' end,
        format('PostgreSQL %s', current_setting('server_version'))
        || case when pg_is_in_recovery() then ', a standby: nothing can be written' else '' end,
        case
            when pg_is_in_recovery() then 'Name the primary in DATABASE_URL.'
            when v_major not between 15 and 18 then 'reelq is tried on 15 to 18.'
        end;

    return query
    select
        'durability',
        case
            when 'off' in (current_setting('fsync'), current_setting('full_page_writes')) then 'bad'
            when current_setting('synchronous_commit') = 'off' then 'warn'
            else 'ok'
        end,
        format(
            'fsync %s, full_page_writes %s, synchronous_commit %s', current_setting('fsync'),
            current_setting('full_page_writes'), current_setting('synchronous_commit')
        ),
        case
            when 'off' in (current_setting('fsync'), current_setting('full_page_writes'))
                then 'A crash of the server destroys the database: alter system set … = on; then restart it.'
            when current_setting('synchronous_commit') = 'off'
                then 'A crash forgets the last commits: finished work is done again. alter system set synchronous_commit = on'
        end;

    return query
    select
        'autovacuum',
        case when 'off' in (current_setting('autovacuum'), current_setting('track_counts')) then 'bad' else 'ok' end,
        format('autovacuum %s, track_counts %s', current_setting('autovacuum'), current_setting('track_counts')),
        case
            when 'off' in (current_setting('autovacuum'), current_setting('track_counts'))
                then 'Claims get slower by the hour: alter system set … = on; select pg_reload_conf()'
        end;

    select greatest(age(d.datfrozenxid), mxid_age(d.datminmxid)) into v_age
    from pg_database as d where d.datname = current_database();
    return query
    select
        'wraparound',
        -- Autovacuum freezes from autovacuum_freeze_max_age on. At twice that age it does not get done.
        case when v_age > v_failsafe then 'bad' when v_age > 2 * v_frozen then 'warn' else 'ok' end,
        format('The oldest row is %s transactions old; frozen from %s on, danger from %s on.', v_age, v_frozen, v_failsafe),
        case
            when v_age > least(2 * v_frozen, v_failsafe)
                then 'Something keeps autovacuum from freezing (see snapshots); then: vacuumdb --freeze this database'
        end;

    select count(*) into v_used from pg_stat_activity as a where coalesce(a.backend_type, 'client backend') = 'client backend';
    return query
    select
        'connections', case when v_used > v_most * 0.9 then 'warn' else 'ok' end, format('%s of %s in use', v_used, v_most),
        case when v_used > v_most * 0.9 then 'Raise max_connections, or put a pooler in between (docs/operate.md).' end;

    -- Limits of a role bind whoever is no superuser, and count its sessions in all databases.
    return query
    with used as (
        select a.usesysid as role_id, count(*) as sessions, count(*) filter (where a.datname = current_database()) as here
        from pg_stat_activity as a
        where coalesce(a.backend_type, 'client backend') = 'client backend'
        group by a.usesysid
    )
    select
        'connections', 'warn', format('%s of %s in use that role %I may have', u.sessions, r.rolconnlimit, r.rolname),
        format('A worker takes four and one a slot: alter role %I connection limit …, or put a pooler in between.', r.rolname)
    from used as u
    inner join pg_roles as r on r.oid = u.role_id
    where u.here > 0 and not r.rolsuper and r.rolconnlimit >= 0 and u.sessions > r.rolconnlimit * 0.9
    order by r.rolname;

    return query
    select
        'connections', 'warn', format('%s of %s in use that database %I may have', u.sessions, d.datconnlimit, d.datname),
        format('A worker takes four and one a slot: alter database %I connection limit …, or put a pooler in between.', d.datname)
    from pg_database as d
    cross join lateral (
        select count(*) as sessions from pg_stat_activity as a
        where a.datid = d.oid and coalesce(a.backend_type, 'client backend') = 'client backend'
    ) as u
    where d.datname = current_database() and d.datconnlimit >= 0 and u.sessions > d.datconnlimit * 0.9;
end;
$$;

comment on function ops.health_of_server() is $$
Part of ops.health: version, durability, autovacuum, age of transaction numbers, connections: of the server, of a role or database with a limit.
$$;
