create or replace function queue.health_of_schedules()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        'schedules', 'warn',
        case
            when s.last_error is not null then format('schedule %s enqueued nothing at its last tick: %s', s.name, s.last_error)
            else format('schedule %s has been due since %s', s.name, s.next_run_at)
        end,
        case
            when s.last_error is not null then 'Correct it: reelq schedules add … with the same name; or: reelq schedules pause ' || s.name
            else 'Claiming workers run schedules: is one at work? By hand: select queue.run_schedules();'
        end
    from queue.schedules as s
    where s.paused_at is null and (s.last_error is not null or s.next_run_at < base.clock() - interval '5 minutes')
    order by s.name;
    if not found then
        return query
        select 'schedules', 'ok', format('%s schedules, none in trouble', (select count(*) from queue.schedules)), null::text;
    end if;
end;
$$;

comment on function queue.health_of_schedules() is $$
Part of queue.health: schedules whose latest tick could not enqueue, or that are five minutes late.
$$;
