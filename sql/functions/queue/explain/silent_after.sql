create or replace function queue.silent_after(p_beat_interval interval)
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select greatest(interval '15 seconds', 3 * p_beat_interval);  -- mutant: explain does not see a silent worker
$$;

comment on function queue.silent_after(interval) is $$
How long nothing may be heard of a worker before people are told that it is silent: three of the beats that it has told (queue.workers.beat_interval), 15
seconds at least. Null, of a worker that has told none: 15 seconds, of the two seconds that are the default.
$$;
