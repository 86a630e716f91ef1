create or replace function queue.run_schedules(p_limit integer default 100)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_schedule queue.schedules;
    v_told integer;
    v_run integer := 0; -- schedules that did not have to wait
    v_made integer := 0;
    v_for text := current_setting('reelq.tenant_id', true);
begin
    perform base.check_read_committed();
    if p_limit < 1 or p_limit is null then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 100.';
    end if;
    -- Schedules are of all tenants, whichever the caller acts for. No SET of the function: only a superuser may give it one of this parameter.
    if v_for <> '' then
        perform set_config('reelq.tenant_id', '', true);
    end if;
    for v_schedule in
        select s.*
        from queue.schedules as s
        where s.next_run_at <= v_now and s.paused_at is null
        -- What fails goes last and in no order, so that none of it hides the others.
        order by s.last_error is not null, case when s.last_error is null then s.next_run_at end, random()  -- mutant: what fails goes first
        limit 10 * p_limit::bigint
        for update skip locked  -- mutant: two run the same tick
    loop
        v_told := queue.run_schedule(v_schedule, p_limit - v_made);
        v_made := v_made + coalesce(v_told, 0);
        v_run := v_run + (v_told is not null)::integer;  -- mutant: ticks that wait hide others
        exit when v_run >= p_limit or v_made >= p_limit;
    end loop;
    if v_for <> '' then
        perform set_config('reelq.tenant_id', v_for, true);
    end if;
    return v_made;
end;
$$;

comment on function queue.run_schedules(integer) is $$
Enqueue what schedules name for the ticks that have come, once per tick whoever calls and however often: a job's idempotency key
bears the schedule and the tick, and tenants cannot use such a key. While another session holds the video or the tenant, or a lock times out, the
tick stays and is tried again. Claiming workers call it once a second; cron may. Returns how many jobs or pipeline runs it made.

Arguments
  p_limit  stop after so many; the rest comes with the next call

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit below 1
$$;
