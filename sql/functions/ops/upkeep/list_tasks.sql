create or replace function ops.list_tasks()
returns table (
    name text, state text, cron text, next_at timestamptz, began_at timestamptz, ended_at timestamptz, succeeded_at timestamptz, outcome text, error text,
    result jsonb, failures integer, who text, enabled boolean, owner_only boolean, late_after interval, time_limit interval, about text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_operator();
    return query
    select
        t.name, ops.task_state(t), t.cron, ops.next_due(t), t.began_at, t.ended_at, t.succeeded_at, t.outcome, t.error,
        t.result, t.failures, t.who, t.enabled, t.owner_only, t.late_after, t.time_limit, t.about
    from ops.upkeep_tasks as t
    order by t.place, t.name;
end;
$$;

comment on function ops.list_tasks() is $$
The tasks of the upkeep, in the order in which they are done: how each stands, when it is due, and how it last went. State: see ops.task_state.

Raises
  42501  the caller acts for a tenant
$$;
