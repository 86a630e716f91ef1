create or replace function queue.upkeep_tasks()
returns table (task text, every interval, remedy text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select u.task, coalesce(known.every, interval '1 day'), coalesce(known.remedy, 'Run it from cron or a timer; docs/operate.md, Upkeep.')
    from queue.upkeep as u
    left join (
        values
        ('rescue', interval '2 seconds', 'Workers do it as they claim: look at their journals.'),
        ('repair', interval '1 hour', 'Run it from cron or a timer: reelq doctor --repair'),
        ('identity', interval '1 hour', 'Run it from cron or a timer: reelq tenants tidy'),
        ('retention', interval '1 day', 'Run it from cron or a timer: reelq retention run'),
        ('archive', interval '1 hour', null),
        ('stats', interval '1 hour', null)
    ) as known (task, every, remedy) on known.task = u.task;
$$;

comment on function queue.upkeep_tasks() is $$
How often each row of queue.upkeep is meant to run, and who runs it; a day where nothing is said. The one place that says so.
$$;
