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
    v_tick timestamptz;
    v_key text;
    v_job uuid;
    v_error text;
    v_held boolean;
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
        limit p_limit
        for update skip locked  -- mutant: two run the same tick
    loop
        v_tick := v_schedule.next_run_at;
        loop
            v_error := null;
            v_job := null;
            -- A claim waits for nobody, and the tick is not lost either: while another session holds what its job is about, it stays.
            perform from identity.tenants as t
            where t.id = coalesce(v_schedule.tenant_id, (select v.tenant_id from media.videos as v where v.id = v_schedule.video_id))
            for key share skip locked;
            v_held := not found and num_nonnulls(v_schedule.tenant_id, v_schedule.video_id) > 0;
            if v_schedule.video_id is not null and not v_held then
                perform from media.videos as v where v.id = v_schedule.video_id for key share skip locked;  -- mutant: a tick waits for its video
                v_held := not found;
            end if;
            if v_held then
                v_error := 'Another session holds its video or its tenant.';
            elsif v_schedule.missed <> 'skip' or v_tick > v_now - interval '1 minute' then  -- mutant: a missed tick is made up for though it shall be skipped
                v_key := format('schedule:%s:%s', v_schedule.name, to_char(v_tick at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
                -- What one schedule cannot enqueue must stop neither the others nor the claim that calls this.
                begin
                    if v_schedule.pipeline is not null then
                        select p.job_id into v_job
                        from queue.enqueue_pipeline(v_schedule.pipeline, v_schedule.video_id, v_schedule.job_data, v_key) as p
                        limit 1;
                    else
                        v_job := queue.enqueue_job(
                            v_schedule.job_type, video_id => v_schedule.video_id, tenant_id => v_schedule.tenant_id,
                            job_data => v_schedule.job_data, priority => v_schedule.priority, idempotency_key => v_key
                        );
                    end if;
                    v_made := v_made + 1;
                exception
                    when lock_not_available or deadlock_detected then
                        v_error := format('%s (%s)', sqlerrm, sqlstate);
                        v_held := true;  -- mutant: a lock loses a tick
                    when others then
                        v_error := format('%s (%s)', sqlerrm, sqlstate);
                end;
            end if;
            if v_held then
                update queue.schedules as s set last_error = v_error where s.name = v_schedule.name and s.last_error is distinct from v_error;
                exit;
            end if;
            -- This server may not know the time zone, which was checked on another one: the tick stays, and is tried again.
            begin
                v_schedule.next_run_at := queue.next_tick(
                    v_schedule.cron, v_schedule.time_zone, case when v_schedule.missed = 'all' then v_tick else greatest(v_tick, v_now) end
                );
            exception
                when others then  -- mutant: an unknown time zone stops claims
                    update queue.schedules as s set last_error = format('%s (%s)', sqlerrm, sqlstate) where s.name = v_schedule.name and s.last_error is null;
                    exit;
            end;
            update queue.schedules as s
            set
                next_run_at = v_schedule.next_run_at,
                last_run_at = case when v_job is null then s.last_run_at else v_tick end,
                last_job_id = coalesce(v_job, s.last_job_id),
                last_enqueued_at = case when v_job is null then s.last_enqueued_at else v_now end,  -- mutant: a tick is taken for the time of its enqueue
                last_error = v_error
            where s.name = v_schedule.name;
            v_tick := v_schedule.next_run_at;
            -- After a failure the next tick waits for the next call: a week of them would hold up the claim that calls this.
            exit when v_tick > v_now or v_made >= p_limit or v_error is not null;  -- mutant: a claim tries all ticks that fail
        end loop;
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
