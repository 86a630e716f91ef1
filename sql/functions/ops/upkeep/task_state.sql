create or replace function ops.task_state(p_task ops.upkeep_tasks)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when not p_task.enabled then 'off'
        when ops.is_leased(p_task) then 'running'
        when ops.next_due(p_task) + p_task.late_after < base.clock() then 'late'
        when p_task.failures > 0 then 'failed'
        when ops.next_due(p_task) <= base.clock() then 'due'
        else 'ok'
    end;
$$;

comment on function ops.task_state(ops.upkeep_tasks) is $$
How a task stands: off, running, late (due for longer than late_after, and nobody does it), failed (and will be tried again), due, or ok.
$$;
