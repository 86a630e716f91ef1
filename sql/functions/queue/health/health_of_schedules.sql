create or replace function queue.health_of_schedules()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_schedule queue.schedules;
    v_tick timestamptz;
    v_count integer := 0;
begin
    finding := 'schedules';
    level := 'warn';
    for v_schedule in select s.* from queue.schedules as s where s.paused_at is null order by s.name loop
        detail := null;
        if v_schedule.last_error is not null then
            detail := format('schedule %s enqueued nothing at its last tick: %s', v_schedule.name, v_schedule.last_error);
            remedy := 'Correct it: reelq schedules add … with the same name; or: reelq schedules pause ' || v_schedule.name;
        elsif v_schedule.next_run_at < v_now - interval '5 minutes' then
            detail := format('schedule %s has been due since %s', v_schedule.name, v_schedule.next_run_at);
            remedy := 'Claiming workers run schedules: is one at work, or another session that holds its tenant or its video? By hand: select queue.run_schedules();';
        elsif v_schedule.next_run_at > v_now + interval '1 hour' then
            -- Either may be wrong after a move to another server or a clock that was ahead.
            begin
                v_tick := queue.next_tick(v_schedule.cron, v_schedule.time_zone, v_now);
                if v_schedule.next_run_at > v_tick then  -- mutant: a schedule that a clock led astray is in order
                    detail := format('schedule %s waits for %s, and its next tick is %s: a clock was ahead', v_schedule.name, v_schedule.next_run_at, v_tick);
                    remedy := format('Set it anew: reelq schedules pause %s; reelq schedules resume %s', v_schedule.name, v_schedule.name);
                end if;
            exception
                when others then
                    detail := format('schedule %s will enqueue nothing: %s', v_schedule.name, sqlerrm);
                    remedy := 'Correct it: reelq schedules add … with the same name; or: reelq schedules pause ' || v_schedule.name;
            end;
        end if;
        if detail is not null then
            v_count := v_count + 1;
            return next;
        end if;
    end loop;
    if v_count = 0 then
        return query
        select 'schedules', 'ok', format('%s schedules, none in trouble', (select count(*) from queue.schedules)), null::text;
    end if;
end;
$$;

comment on function queue.health_of_schedules() is $$
Part of queue.health: schedules whose latest tick could not enqueue, that are five minutes late, that wait for more than their next tick, or whose time
zone this server does not know.
$$;
