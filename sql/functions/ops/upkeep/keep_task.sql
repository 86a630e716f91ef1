create or replace function ops.keep_task(p_name text, p_token bigint)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_operator();
    perform base.check_read_committed();
    update ops.upkeep_tasks as t set lease_until = base.clock() + ops.task_lease()
    where t.name = p_name and t.token = p_token and t.lease_until is not null;
    return found;
end;
$$;

comment on function ops.keep_task(text, bigint) is $$
Say that a task is still being done. False: it has ended, or another session has taken it over; then stop.

Raises
  RQ002  the caller is not READ COMMITTED
  42501  the caller acts for a tenant
$$;
