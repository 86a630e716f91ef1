create or replace function ops.set_task(p_name text, p_cron text default null, p_late_after interval default null, p_enabled boolean default null)
returns timestamptz
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_next timestamptz;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_late_after not between interval '1 minute' and interval '60 days' then
        raise exception 'late_after must be 1 minute to 60 days, not %', p_late_after using errcode = 'RQ008', hint = 'How long after its tick a task is late.';
    end if;
    update ops.upkeep_tasks as t
    set
        cron = coalesce(p_cron, t.cron), late_after = coalesce(p_late_after, t.late_after), enabled = coalesce(p_enabled, t.enabled),
        -- Ticks of the time when it was off are not made up for.
        next_at = case
            when p_cron is not null or (p_enabled and not t.enabled) then queue.next_tick(coalesce(p_cron, t.cron), 'UTC', base.clock())
            else t.next_at
        end
    where t.name = p_name
    returning t.next_at into v_next;
    if not found then
        perform ops.check_task(p_name);
    end if;
    return v_next;
end;
$$;

comment on function ops.set_task(text, text, interval, boolean) is $$
Change when a task of the upkeep is due, or switch it off or on. What is null stays. Returns when it is due next.
  select ops.set_task('vacuum', p_cron => '0 4 * * 6');

Arguments
  p_cron        when, in UTC: a cron expression as queue.next_tick reads it
  p_late_after  so long after its tick it is late, 1 minute to 60 days
  p_enabled     false: no clock does it; by hand it can be done all the same

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such task
  RQ008  no cron expression, or a time that cannot be
  42501  the caller acts for a tenant
$$;
