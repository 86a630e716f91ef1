create or replace function queue.resume_schedule(p_name text)
returns timestamptz
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_next timestamptz;
begin
    update queue.schedules as s
    set
        paused_at = null,
        next_run_at = case when s.paused_at is null then s.next_run_at else queue.next_tick(s.cron, s.time_zone, base.clock()) end
    where s.name = p_name
    returning s.next_run_at into v_next;
    if not found then
        raise exception 'no schedule %', coalesce(quote_literal(left(p_name, 80)), 'null') using errcode = 'RQ004', hint = 'Look with: reelq schedules list';
    end if;
    return v_next;
end;
$$;

comment on function queue.resume_schedule(text) is $$
End the pause of a schedule. It goes on with the next tick, which is returned; those of the pause are not made up for.

Raises
  RQ004  no such schedule
$$;
