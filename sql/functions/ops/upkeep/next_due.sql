create or replace function ops.next_due(p_task ops.upkeep_tasks)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_next timestamptz;
begin
    -- After the clock jumped back the tick lies further ahead than the schedule has it. A small jump is waited for, so that no tick is done twice; after
    -- a large one the schedule begins anew, or the task would stand still for as long as the clock was wrong.
    if p_task.next_at > v_now + p_task.late_after then
        v_next := queue.next_tick(p_task.cron, 'UTC', v_now);
        if p_task.next_at > v_next + p_task.late_after then  -- mutant: a clock that was wrong once stops the task
            return v_next;
        end if;
    end if;
    return p_task.next_at;
end;
$$;

comment on function ops.next_due(ops.upkeep_tasks) is $$
The tick for which a task is to be done next. Where the clock jumped back by more than late_after, the next tick of the schedule.
$$;
