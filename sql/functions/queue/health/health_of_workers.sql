create or replace function queue.health_of_workers()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_alive integer;
    v_count integer;
    v_since timestamptz;
begin
    select count(*) into v_alive
    from queue.workers as w where w.status in ('active', 'draining') and w.last_beat_at > v_now - interval '1 minute';

    -- That is 15 heartbeats, at the default of one in two seconds.
    return query
    select
        'workers', 'warn', format('%s has not been heard of for %s', w.worker_id, date_trunc('second', v_now - w.last_beat_at)),
        format('On %s: systemctl status, journalctl. Its jobs return when their leases end.', w.host)
    from queue.workers as w
    where w.status in ('active', 'draining') and w.last_beat_at < v_now - interval '30 seconds'
    order by w.last_beat_at;

    return query
    select
        'workers', case when exists (
            select from queue.workers as fit
            where fit.status = 'active' and fit.last_beat_at > v_now - interval '1 minute' and fit.trouble is null
        ) then 'warn' else 'bad' end,
        format('%s on %s claims nothing: %s', w.worker_id, w.host, w.trouble), format('On %s: %s', w.host, w.remedy)
    from queue.workers as w
    where w.status = 'active' and w.last_beat_at > v_now - interval '1 minute' and w.trouble is not null
    order by w.started_at;

    -- Its heart beats and its loop does not turn: each worker looks every 20 s at the latest, also when it is busy.
    return query
    select
        'workers', 'bad', format(
            '%s on %s beats and has not looked for work for %s', w.worker_id, w.host,
            date_trunc('second', v_now - coalesce(w.last_look_at, w.started_at))
        ),
        format('On %s: journalctl says what it cannot do. It should have ended by itself; restart it.', w.host)
    from queue.workers as w
    where
        w.status = 'active' and w.last_beat_at > v_now - interval '30 seconds'
        and coalesce(w.last_look_at, w.started_at) < v_now - interval '1 minute'  -- mutant: nobody asks whether workers work
    order by w.last_look_at nulls first;

    return query
    select
        'workers', 'warn', format('%s was lost %s ago, and none of its pool is up on %s', w.worker_id, date_trunc('second', v_now - w.status_changed_at), w.host),
        format('Start it again on %s, or leave it: this is told for an hour.', w.host)
    from queue.workers as w
    where
        w.status = 'lost' and w.status_changed_at > v_now - interval '1 hour'
        and not exists (
            select from queue.workers as other
            where other.host = w.host and other.pool = w.pool and other.status = 'active' and other.started_at > w.started_at
        )
    order by w.status_changed_at;

    return query
    select
        'workers', case when v_alive > 0 then 'ok' else 'warn' end, case when v_alive > 0 then format('%s at work', v_alive) else 'None is at work.' end,
        case when v_alive = 0 then 'reelq worker run, or: systemctl start reelq-worker.target' end;

    -- rescue_expired looks every two seconds. Leases of a worker that was marked dead end before that: their last heartbeat counts.
    select count(*), min(greatest(l.expires_at, l.beat_at)) into v_count, v_since
    from queue.leases as l where greatest(l.expires_at, l.beat_at) < v_now - interval '1 minute';
    return query
    select
        'leases', case when v_count > 0 then 'bad' else 'ok' end,
        case
            when v_count = 0 then 'None has run out unnoticed.'
            else format('%s ran out, the first %s ago, and nobody takes the jobs back', v_count, date_trunc('second', v_now - v_since))
        end,
        case when v_count > 0 then 'Workers do it as they claim: start one, or: select queue.rescue_expired()' end;

    -- A kind has a lane for each priority; those that came first stand at the head of none for sure. Of a long line the first thousand are looked at.
    return query
    with idle as (
        select l.job_type, l.needs, l.weight, array_agg(l.lane) as lanes
        from queue.lanes as l
        where not exists (
            select from queue.workers as w
            where
                w.status = 'active' and w.last_beat_at > v_now - interval '1 minute' and w.trouble is null
                and (w.types is null or l.job_type = any(w.types)) and l.needs <@ w.capabilities and l.weight <= w.slots
        )
        group by l.job_type, l.needs, l.weight
    )
    select
        'ready work', case when met.ready_at < v_now - interval '5 minutes' then 'bad' else 'warn' end,
        format(
            '%s %s%s%s; %s for %s',
            case when unfit.worker_id is null then 'No worker takes' else format('Only workers in trouble, such as %s on %s, take', unfit.worker_id, unfit.host) end,
            l.job_type, case when l.needs <> '{}' then format(' that needs %s', array_to_string(l.needs, ', ')) else '' end,
            case when l.weight > 1 then format(' of %s slots', l.weight) else '' end,
            case met.jobs when 1 then 'one job has waited' else format('%s jobs wait, the longest', base.format_count(met.jobs, 1000)) end,
            date_trunc('second', greatest(v_now - met.ready_at, '0'))
        ),
        case
            when unfit.worker_id is null then 'Start a worker that takes it: REELQ_TYPES, REELQ_CAPABILITIES, REELQ_SLOTS'
            else format('On %s: %s', unfit.host, unfit.remedy)
        end
    from idle as l
    cross join lateral (
        select count(*) as jobs, min(capped.ready_at) as ready_at
        from (
            select r.ready_at
            from unnest(l.lanes) as e (lane)
            cross join lateral (select one.ready_at from queue.ready as one where one.lane = e.lane order by one.fair_key, one.seq limit 1000) as r
            limit 1000
        ) as capped
    ) as met
    left join lateral (
        select w.worker_id, w.host, w.remedy from queue.workers as w
        where
            w.status = 'active' and w.last_beat_at > v_now - interval '1 minute' and w.trouble is not null
            and (w.types is null or l.job_type = any(w.types)) and l.needs <@ w.capabilities and l.weight <= w.slots
        order by w.started_at limit 1
    ) as unfit on true
    where met.jobs > 0
    order by met.ready_at;
    if not found then
        return query select 'ready work', 'ok', 'Some worker takes each kind that is ready.', null::text;
    end if;
end;
$$;

comment on function queue.health_of_workers() is $$
Part of queue.health: workers that do not beat, leases that nobody takes back, ready work that nobody takes.
$$;
