create or replace function ops.task_lease()
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select interval '2 minutes';
$$;

comment on function ops.task_lease() is 'How long after its last sign of life a run of upkeep is taken for dead, and its task is taken over.';
