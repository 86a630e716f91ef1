create or replace function queue.run_due_maintenance(p_worker_id text, p_now timestamptz)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_last timestamptz;
begin
    perform queue.promote_due();
    if exists (select from queue.pauses as p where p.scope = 'job_type') then
        perform queue.park_paused();
    end if;
    if exists (select from queue.schedules as s where s.next_run_at <= p_now and s.paused_at is null) then
        perform queue.run_schedules();
    end if;
    select u.last_run_at into v_last from queue.upkeep as u where u.task = 'rescue';
    if v_last is null or v_last not between p_now - interval '2 seconds' and p_now then
        perform queue.rescue_expired();
    end if;
    update queue.workers as w set last_look_at = p_now
    where w.worker_id = any(array(
        select me.worker_id from queue.workers as me
        where
            me.worker_id = p_worker_id
            and coalesce(me.last_look_at not between p_now - interval '5 seconds' and p_now, true)
        for no key update skip locked
    ));
end;
$$;

comment on function queue.run_due_maintenance(text, timestamptz) is $$
The bounded maintenance that a full claim does first: make due jobs ready, park jobs of paused types and run
due schedules; every two seconds take back
expired leases; every five seconds note that the worker looked for work.
$$;
