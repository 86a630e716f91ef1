create or replace function queue.drop_schedule(p_name text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from queue.schedules as s where s.name = p_name;
    if not found then
        raise exception 'no schedule %', coalesce(quote_literal(left(p_name, 80)), 'null') using errcode = 'RQ004', hint = 'Look with: reelq schedules list';
    end if;
end;
$$;

comment on function queue.drop_schedule(text) is $$
Remove a schedule. Jobs that it has enqueued stay.

Raises
  RQ004  no such schedule
$$;
