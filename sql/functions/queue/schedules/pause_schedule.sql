create or replace function queue.pause_schedule(p_name text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update queue.schedules as s set paused_at = coalesce(s.paused_at, base.clock()) where s.name = p_name;
    if not found then
        raise exception 'no schedule %', coalesce(quote_literal(left(p_name, 80)), 'null') using errcode = 'RQ004', hint = 'Look with: reelq schedules list';
    end if;
end;
$$;

comment on function queue.pause_schedule(text) is $$
Let a schedule enqueue nothing until queue.resume_schedule. Jobs that it has enqueued go on.

Raises
  RQ004  no such schedule
$$;
