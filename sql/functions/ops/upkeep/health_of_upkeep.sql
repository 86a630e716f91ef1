create or replace function ops.health_of_upkeep()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_task record;
    v_bad boolean := false;
    v_rows bigint;
    v_stalled bigint;
begin
    finding := 'tasks';
    for v_task in
        select t.*, ops.task_state(t) as state, ops.next_due(t) as due_at from ops.upkeep_tasks as t
        where ops.task_state(t) in ('late', 'failed') or (ops.is_leased(t) and t.began_at + t.time_limit < v_now)
        order by t.place, t.name
    loop
        v_bad := true;
        level := 'warn';
        detail := format(
            '%s %s; it was last done %s%s', v_task.name,
            case v_task.state
                when 'late' then format('is late: it was due %s ago', date_trunc('second', v_now - v_task.due_at))
                when 'failed' then format('has failed %s times', v_task.failures)
                else format('hangs: it has been at it for %s', date_trunc('second', v_now - v_task.began_at))
            end,
            coalesce(date_trunc('second', v_now - v_task.succeeded_at)::text || ' ago', 'never'),
            ': ' || case when v_task.outcome <> 'done' then v_task.error end
        );
        remedy := case
            when v_task.state = 'running' then format('Look at that process (%s); when it is gone the task is taken over.', v_task.who)
            when v_task.failures > 0 or v_task.outcome in ('failed', 'later') then format('Look why, then: reelq upkeep run %s', v_task.name)
            else format('Set up a clock, or look why it stands: docs/operate.md, Upkeep. At once: reelq upkeep run %s', v_task.name)
        end;
        return next;
    end loop;
    if not v_bad then
        return query select 'tasks', 'ok', format('%s tasks are done when they should be.', (select count(*) from ops.upkeep_tasks as t where t.enabled)), null::text;
    end if;
    if to_regclass('reelq_periodic.procrastinate_jobs') is not null then
        execute $q$
            select count(*), count(*) filter (where j.status = 'doing' and w.id is null)
            from (select o.* from reelq_periodic.procrastinate_jobs as o limit 10001) as j
            left join reelq_periodic.procrastinate_workers as w on w.id = j.worker_id
        $q$ into v_rows, v_stalled;
        return query
        select
            'periodic clock', case when v_rows > 10000 or v_stalled > 100 then 'warn' else 'ok' end,
            format('procrastinate has %s jobs, %s of them of workers that are gone', v_rows, v_stalled),
            case when v_rows > 10000 or v_stalled > 100 then 'As the owner: reelq upkeep run prune_clock' end;
    end if;
end;
$$;

comment on function ops.health_of_upkeep() is $$
Part of ops.health: tasks of ops.upkeep_tasks that are late, fail or hang, when each was last done, and whether the tables of procrastinate grow.
$$;
