create or replace function queue.health_of_jobs()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
    v_now timestamptz := base.clock();
    v_most integer := 10000; -- where counting stops
    v_long interval := '1 minute'; -- for a transaction that holds jobs
    v_count bigint;
    v_before bigint;
    v_since timestamptz;
begin
    select count(*), min(s.due) into v_count, v_since
    from (select s.due from queue.scheduled as s where s.due < v_now - interval '1 minute' order by s.due limit v_most) as s;
    return query
    select
        'scheduled jobs', case when v_since < v_now - interval '5 minutes' then 'bad' when v_count > 0 then 'warn' else 'ok' end,
        case
            when v_count = 0 then 'None is overdue.'
            else format('%s are due and not ready, the first for %s', base.format_count(v_count, v_most), date_trunc('second', v_now - v_since))
        end,
        case when v_count > 0 then 'Workers do it as they claim: start one, or: select queue.promote_due()' end;

    select count(*) into v_count
    from (select from queue.dead_letters as d where d.failed_at > v_now - interval '1 hour' limit v_most) as d;
    select count(*) into v_before
    from (
        select from queue.dead_letters as d
        where d.failed_at between v_now - interval '25 hours' and v_now - interval '1 hour' limit v_most
    ) as d;
    return query
    select
        'dead letters', case when v_count > 10 and v_count > 2.0 * v_before / 24 then 'warn' else 'ok' end,
        format(
            '%s failed for good in the last hour, %s in the day before', base.format_count(v_count, v_most), base.format_count(v_before, v_most)
        ),
        case when v_count > 10 and v_count > 2.0 * v_before / 24 then 'By code and tenant: reelq jobs summary; then: reelq jobs list --status failed --code …' end;

    select count(*) into v_count from (select from queue.parked limit v_most) as p;
    return query
    select
        'parked jobs', case when stuck.so then 'warn' else 'ok' end,
        format('%s wait for a limit or a pause%s', base.format_count(v_count, v_most), case when stuck.so then ', and nothing is ready or running' else '' end),
        case when stuck.so then 'Look at the limits and pauses that hold them.' end
    from (
        select v_count > 0 and not exists (select from queue.ready) and not exists (select from queue.leases) as so
    ) as stuck;

    -- Whoever changes or locks rows here and does not end its transaction: what runs cannot be settled, what waits is passed over. Of a session
    -- that is busy only what locks jobs or leases counts: a large load takes minutes, and holds up nobody.
    return query
    select
        'locks', 'warn',
        format(
            'pid %s (%s, %s) has been %s for %s and holds rows of %s', a.pid, a.usename, coalesce(nullif(a.application_name, ''), 'no application name'),
            case when a.state like 'idle%' then 'idle in transaction' else 'in a transaction' end,
            date_trunc('second', v_now - case when a.state like 'idle%' then a.state_change else a.xact_start end), h.tables
        ),
        format('End the transaction there, or: select pg_terminate_backend(%s)', a.pid)
    from (
        select l.pid, string_agg(distinct 'queue.' || c.relname, ', ') as tables, bool_or(l.mode = 'RowShareLock' and c.relname in ('processing_jobs', 'leases')) as jobs
        from pg_locks as l
        join pg_class as c on c.oid = l.relation
        where
            l.locktype = 'relation' and l.granted and l.database = (select d.oid from pg_database as d where d.datname = current_database())
            and l.mode in ('RowShareLock', 'RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
            and c.relnamespace = 'queue'::regnamespace and c.relkind in ('r', 'p') and l.pid <> pg_backend_pid()
        group by l.pid
    ) as h
    join pg_stat_activity as a on a.pid = h.pid
    where
        a.backend_type = 'client backend'
        and case
            when a.state like 'idle in transaction%' then a.state_change < v_now - v_long  -- mutant: nobody looks for forgotten transactions
            else h.jobs and a.xact_start < v_now - v_long
        end
    order by a.xact_start;
    -- Who may not see the sessions of others cannot tell that all is well.
    if not found and pg_has_role(current_user, 'pg_read_all_stats', 'usage') then
        return query select 'locks', 'ok', 'No session has held a job for a minute.', null::text;
    end if;
end;
$$;

comment on function queue.health_of_jobs() is $$
Part of queue.health: due jobs that nobody makes ready, dead letters, parked jobs, sessions that hold jobs. Counting stops at 10,000.
$$;
