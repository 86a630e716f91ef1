create or replace function ops.check_task(p_name text)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from ops.upkeep_tasks as t where t.name = p_name) then
        raise exception 'no task %', coalesce(quote_literal(left(p_name, 80)), 'null')
            using errcode = 'RQ004', hint = 'Known: ' || (select string_agg(t.name, ', ' order by t.place, t.name) from ops.upkeep_tasks as t);
    end if;
end;
$$;

comment on function ops.check_task(text) is $$
Refuse a name that no task of the upkeep has.

Raises
  RQ004  no such task
$$;
