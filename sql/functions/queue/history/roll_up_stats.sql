create or replace function queue.roll_up_stats()
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_this_hour timestamptz := date_trunc('hour', base.clock());
    v_place timestamptz;
    v_until timestamptz;
    v_most constant double precision := 1000000;  -- attempts: some seconds
    v_busiest double precision;
begin
    perform base.check_read_committed();
    select u.place::timestamptz into v_place from queue.upkeep as u where u.task = 'stats' for no key update skip locked;
    if not found then
        return 0;
    end if;
    if v_place is null then
        v_place := date_trunc('hour', least(
            (select min(a.ended_at) from queue.job_attempts as a),
            (select min(h.ended_at) from queue.attempt_history as h) -- once: all of it is read
        ));
    end if;
    v_place := least(coalesce(v_place, v_this_hour), v_this_hour);
    -- A day, or as many hours as hold a million attempts when each is as busy as the busiest of the last two.
    select max(n.jobs) into v_busiest from (
        select sum(s.jobs) as jobs from queue.job_stats as s where s.hour >= v_place - interval '2 hours' and s.hour < v_place group by s.hour
    ) as n;
    v_until := least(
        v_place + make_interval(hours => greatest(1, least(24, floor(v_most / greatest(v_busiest, 1))))::integer),  -- mutant: a day of any size in one transaction
        v_this_hour
    );

    -- Count the last two hours again: an attempt becomes visible when its transaction commits, which may be later than its end.
    delete from queue.job_stats as s where s.hour >= v_place - interval '2 hours' and s.hour < v_until;
    insert into queue.job_stats (hour, job_type, outcome, jobs, seconds, cpu_seconds, max_seconds)
    select n.hour, n.job_type, n.outcome, n.jobs, n.seconds, n.cpu_seconds, n.max_seconds
    from queue.count_attempts(v_place - interval '2 hours', v_until) as n;

    update queue.upkeep as u set last_run_at = base.clock(), place = v_until::text where u.task = 'stats';
    return extract(epoch from v_until - v_place) / 3600;
end;
$$;

comment on function queue.roll_up_stats() is $$
Add up the attempts of the hours that are over in queue.job_stats, and of the last two hours before those once more. A
day at most per call, fewer hours where a million attempts fill them, so that a forgotten timer makes many small transactions and no long one. Returns how many hours were
new: call it until it returns 0. One caller at a time, the others return 0.
$$;
