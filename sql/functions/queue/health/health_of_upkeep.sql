create or replace function queue.health_of_upkeep()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = ''
as $$
declare
    v_now timestamptz := base.clock();
    v_repairs numeric;
begin
    return query
    select
        'upkeep', 'warn',
        format(
            '%s %s, and is meant to run every %s', u.task,
            coalesce(format('last ran %s ago', date_trunc('second', v_now - u.last_run_at)), 'has never run'), t.every
        ),
        t.remedy
    from queue.upkeep as u
    inner join queue.upkeep_tasks() as t on t.task = u.task
    where
        coalesce(u.last_run_at, u.created_at) < v_now - greatest(3 * t.every, interval '1 minute')
        -- Only workers take back leases; that there is none is another finding.
        and (u.task <> 'rescue' or exists (
            select from queue.workers as w where w.status = 'active' and w.last_beat_at > v_now - interval '1 minute'
        ))
    order by u.task;
    if not found then
        return query select 'upkeep', 'ok', 'All of it has run when it should.', null::text;
    end if;

    select sum(u.repairs) into v_repairs from queue.upkeep as u;
    return query
    select
        'repairs', case when v_repairs > 0 then 'bad' else 'ok' end, format('%s places of jobs had to be repaired', v_repairs),
        case
            when v_repairs > 0
                then 'Find out why: a bug, or somebody wrote past the functions. Then: update queue.upkeep set repairs = 0'
        end;
end;
$$;

comment on function queue.health_of_upkeep() is $$
Part of queue.health: maintenance that has not run for three times as long as it may (queue.upkeep_tasks), and whether
queue.repair has ever had to repair anything.
$$;
