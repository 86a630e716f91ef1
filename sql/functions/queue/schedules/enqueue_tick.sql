create or replace function queue.enqueue_tick(p_schedule queue.schedules, p_tick timestamptz, out p_job_id uuid, out p_error text, out p_is_over boolean)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key constant text := format('schedule:%s:%s', p_schedule.name, to_char(p_tick at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
begin
    p_is_over := true;
    if p_schedule.pipeline is not null then
        select p.job_id into p_job_id
        from queue.enqueue_pipeline(p_schedule.pipeline, p_schedule.video_id, p_schedule.job_data, v_key) as p
        limit 1;
    else
        p_job_id := queue.enqueue_job(
            p_schedule.job_type, video_id => p_schedule.video_id, tenant_id => p_schedule.tenant_id,
            job_data => p_schedule.job_data, priority => p_schedule.priority, idempotency_key => v_key
        );
    end if;
exception when others then
    -- What one schedule cannot enqueue must stop neither the others nor the claim that calls this.
    p_error := format('%s (%s)', sqlerrm, sqlstate);
    p_is_over := sqlstate not in ('55P03', '40P01');  -- mutant: a lock loses a tick
end;
$$;

comment on function queue.enqueue_tick(queue.schedules, timestamptz) is $$
Enqueue what a schedule names for one tick, once whoever calls and however often: the idempotency key bears the schedule and the tick.

Returns
  p_job_id   the job, of a pipeline its first one; null: none
  p_error    why there is none
  p_is_over  false: a lock has timed out, and the tick is to be tried again
$$;
