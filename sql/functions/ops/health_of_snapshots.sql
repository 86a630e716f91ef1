create or replace function ops.health_of_snapshots()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_long interval := '5 minutes'; -- meanwhile dead rows pile up in the tables that claims read
    v_hopeless interval := '1 hour';
    v_many integer := 500000; -- for standbys and slots, which tell an age in transactions only
    v_oldest interval;
begin
    -- Sessions of this database whose transaction is open. VACUUM is left out, as it keeps no rows alive.
    return query
    select
        'snapshots', case when v_now - a.xact_start > v_hopeless then 'bad' else 'warn' end,
        format(
            'pid %s (%s, %s) began its transaction %s ago, and is %s', a.pid, a.usename,
            coalesce(nullif(a.application_name, ''), 'no application name'), date_trunc('second', v_now - a.xact_start),
            coalesce(a.state, 'busy')
        ),
        format('End it there, or: select pg_terminate_backend(%s)', a.pid)
    from pg_stat_activity as a
    where
        a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type <> 'autovacuum worker'
        and (a.backend_xmin is not null or a.backend_xid is not null)
        and a.xact_start < v_now - v_long
        and not exists (select from pg_stat_progress_vacuum as v where v.pid = a.pid)
    order by a.xact_start;
    if found then
        v_oldest := v_long;
    end if;

    return query
    select
        'snapshots', case when v_now - p.prepared > v_hopeless then 'bad' else 'warn' end,
        format('The prepared transaction %s of %s has waited for %s', quote_literal(p.gid), p.owner, date_trunc('second', v_now - p.prepared)),
        format('commit prepared %1$s, or: rollback prepared %1$s', quote_literal(p.gid))
    from pg_prepared_xacts as p
    where p.database = current_database() and p.prepared < v_now - v_long
    order by p.prepared;
    if found then
        v_oldest := v_long;
    end if;

    return query
    select
        'snapshots', 'warn',
        case
            when s.active then format('The replication slot %s holds rows of %s transactions ago', s.slot_name, age(s.xmin))
            else format('Nobody reads the replication slot %s: it keeps WAL until the disk is full, and dead rows', s.slot_name)
        end,
        case
            when s.active then 'Look for a long query on its standby (hot_standby_feedback).'
            else format('Start its reader, or: select pg_drop_replication_slot(%L)', s.slot_name)
        end
    from pg_replication_slots as s
    where not s.active or age(s.xmin) > v_many;
    if found then
        v_oldest := v_long;
    end if;

    return query
    select
        'snapshots', 'warn', format('The standby %s (pid %s) holds rows of %s transactions ago', r.application_name, r.pid, age(r.backend_xmin)),
        'There, look for the oldest xact_start in pg_stat_activity: hot_standby_feedback passes it on.'
    from pg_stat_replication as r
    where age(r.backend_xmin) > v_many;
    if found then
        v_oldest := v_long;
    end if;

    if not pg_has_role(current_user, 'pg_read_all_stats', 'usage') then
        return query
        select
            'snapshots', 'warn', format('%s may not see since when the sessions of others run', current_user),
            format('As a superuser: grant pg_read_all_stats to %I', current_user);
    elsif v_oldest is null then
        select max(v_now - a.xact_start) into v_oldest
        from pg_stat_activity as a
        where
            a.datname = current_database() and a.pid <> pg_backend_pid() and (a.backend_xmin is not null or a.backend_xid is not null)
            and a.xact_start < v_now - interval '1 second';
        return query
        select
            'snapshots', 'ok',
            case
                when v_oldest is null then 'Nobody holds one.'
                else format('Nobody holds one for long; the oldest began %s ago.', date_trunc('second', v_oldest))
            end,
            null::text;
    end if;
end;
$$;

comment on function ops.health_of_snapshots() is $$
Part of ops.health: who keeps vacuum from removing dead rows: sessions, prepared transactions, replication slots
and standbys. What is held for five minutes is worth a call; after an hour it is bad.
$$;
