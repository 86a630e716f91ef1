create or replace function queue.run_schedule(p_schedule queue.schedules, p_most integer)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_tick timestamptz := p_schedule.next_run_at;
    v_next timestamptz;
    v_told record;
    v_made integer := 0;
begin
    loop
        -- A claim waits for nobody, and the tick is not lost either: while another session holds what its job is about, it stays. That is no trouble
        -- to be told: queue.health tells when it has stayed for long.
        if not queue.hold_owner_of_schedule(p_schedule) then
            return case when v_made > 0 then v_made end;
        end if;
        select null::uuid as p_job_id, null::text as p_error, true as p_is_over into v_told;
        if p_schedule.missed <> 'skip' or v_tick > v_now - interval '1 minute' then  -- mutant: a missed tick is made up for though it shall be skipped
            v_told := queue.enqueue_tick(p_schedule, v_tick);
        end if;
        if v_told.p_job_id is not null then
            v_made := v_made + 1;
        end if;
        if not v_told.p_is_over then
            update queue.schedules as s set last_error = v_told.p_error where s.name = p_schedule.name and s.last_error is distinct from v_told.p_error;
            exit;
        end if;
        -- This server may not know the time zone, which was checked on another one: the tick stays, and is tried again.
        begin
            v_next := queue.next_tick(p_schedule.cron, p_schedule.time_zone, case when p_schedule.missed = 'all' then v_tick else greatest(v_tick, v_now) end);
        exception when others then  -- mutant: an unknown time zone stops claims
            update queue.schedules as s set last_error = format('%s (%s)', sqlerrm, sqlstate) where s.name = p_schedule.name and s.last_error is null;
            exit;
        end;
        update queue.schedules as s
        set
            next_run_at = v_next,
            last_run_at = case when v_told.p_job_id is null then s.last_run_at else v_tick end,
            last_job_id = coalesce(v_told.p_job_id, s.last_job_id),
            last_enqueued_at = case when v_told.p_job_id is null then s.last_enqueued_at else v_now end,  -- mutant: a tick is taken for the time of its enqueue
            last_error = v_told.p_error
        where s.name = p_schedule.name;
        v_tick := v_next;
        -- After a failure the next tick waits for the next call: a week of them would hold up the claim that calls this.
        exit when v_tick > v_now or v_made >= p_most or v_told.p_error is not null;  -- mutant: a claim tries all ticks that fail
    end loop;
    return v_made;
end;
$$;

comment on function queue.run_schedule(queue.schedules, integer) is $$
Enqueue what one schedule names for its ticks that have come, and note its next tick; the caller has locked its row. Returns how many jobs or
pipeline runs it made; null: another session holds what it is about, see queue.hold_owner_of_schedule.

Arguments
  p_most  stop after so many
$$;
