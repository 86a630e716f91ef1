create or replace function queue.run_due_maintenance(p_worker_id text, p_now timestamptz)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_last timestamptz;
begin
    -- A row that makes one of these fail must not keep the claim from its work: see queue.promote_one_by_one.
    begin
        perform queue.promote_due();
    exception
        when others then
            perform queue.promote_one_by_one(sqlerrm);
    end;
    if exists (select from queue.pauses as p where p.scope = 'job_type') then
        perform queue.park_paused();
    end if;
    if exists (select from queue.schedules as s where s.next_run_at <= p_now and s.paused_at is null) then
        perform queue.run_schedules();
    end if;
    select u.last_run_at into v_last from queue.upkeep as u where u.task = 'rescue';
    if v_last is null or v_last not between p_now - interval '2 seconds' and p_now then
        perform queue.rescue_expired();
        if exists (select from queue.limits) then
            perform queue.park_held();
        end if;
    end if;
    if exists (select from queue.cascades) then
        perform queue.continue_cascades();
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
The bounded maintenance that a full claim does first: make due jobs ready, park jobs of paused types, run due schedules, and go on with
the children of jobs that have too many; every two seconds take back expired leases, and permits that nobody can use; every five seconds note that the worker looked
for work.
$$;
