create or replace function ops.is_leased(p_task ops.upkeep_tasks)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    -- A lease that ends later than any could was given by a clock that has jumped back since.
    select coalesce(p_task.lease_until > base.clock() and p_task.lease_until <= base.clock() + ops.task_lease(), false);
$$;

comment on function ops.is_leased(ops.upkeep_tasks) is $$
Whether somebody does this task just now: whoever does it says so every twenty seconds (ops.keep_task). One whose process died is taken over when the lease ends.
$$;
