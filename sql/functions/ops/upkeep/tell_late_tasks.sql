create or replace function ops.tell_late_tasks()
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_task ops.upkeep_tasks;
    v_told integer := 0;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    for v_task in
        select t.* from ops.upkeep_tasks as t
        where ops.task_state(t) = 'late' and t.told_late_for is distinct from ops.next_due(t)  -- mutant: late is told at every look
        order by t.place, t.name
        for no key update skip locked
    loop
        update ops.upkeep_tasks as t set told_late_for = ops.next_due(v_task) where t.name = v_task.name;
        perform base.emit_event(
            'upkeep.late', null, 'upkeep:' || v_task.name,
            jsonb_build_object(
                'task', v_task.name, 'due_at', ops.next_due(v_task), 'succeeded_at', v_task.succeeded_at, 'outcome', v_task.outcome, 'error', v_task.error
            )
        );
        v_told := v_told + 1;
    end loop;
    return v_told;
end;
$$;

comment on function ops.tell_late_tasks() is $$
Write the event upkeep.late for each task that is late and of which it was not told yet: once a tick. Each clock calls it before it does anything. Returns how many.

Raises
  RQ002  the caller is not READ COMMITTED
  42501  the caller acts for a tenant
$$;
