create or replace function queue.settle_failure(
    p_job queue.processing_jobs,
    p_error_class text,
    p_code text,
    p_message text,
    p_facts jsonb,
    p_leaves_children boolean default false
)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_cancel boolean;
    v_reason text;
    v_limits text[];
    v_policy queue.retry_policies;
    v_attempts integer := p_job.attempts;
    v_crashes integer := p_job.crashes;
    v_status text;
    v_due timestamptz;
    v_message text;
begin
    delete from queue.leases as l where l.job_id = p_job.id
    returning l.cancel_requested_at is not null, l.cancel_reason, l.limits into v_cancel, v_reason, v_limits;
    perform queue.release_permits(v_limits);  -- mutant: a crash keeps its permit

    if coalesce(v_cancel, false) or p_error_class = 'cancelled' then  -- mutant: a cancel is lost on failure
        v_status := 'cancelled';
    else
        v_policy := queue.find_retry_policy(p_job.job_type, p_error_class, p_code);
        if p_error_class = 'worker_lost' then
            v_crashes := v_crashes + 1;  -- mutant: a crash is charged to the attempts
        elsif queue.charges_attempt(v_policy, p_job, p_code) then  -- mutant: every failure is charged
            v_attempts := v_attempts + 1;
        end if;
        if coalesce(v_policy.action, 'fail') = 'fail' or v_attempts >= p_job.max_attempts or v_crashes >= p_job.max_crashes then
            v_status := 'failed';
        else
            v_status := 'queued';
            v_due := v_now + queue.retry_wait(
                v_policy,
                case
                    when p_error_class = 'worker_lost' then v_crashes
                    when v_policy.charges then v_attempts
                    else p_job.token
                end,
                (p_facts ->> 'retry_after_s')::double precision
            );
        end if;
    end if;
    v_message := coalesce(case when v_status = 'cancelled' then v_reason end, nullif(p_message, ''), p_code);

    update queue.processing_jobs as j
    set
        status = v_status,
        attempts = v_attempts,
        crashes = v_crashes,
        scheduled_for = coalesce(v_due, j.scheduled_for),
        next_retry_at = v_due,
        completed_at = case when v_status <> 'queued' then v_now end,
        duration_ms = case when v_status <> 'queued' then extract(epoch from v_now - j.started_at) * 1000 end,
        error_class = case when v_status = 'cancelled' then 'cancelled' else p_error_class end,
        error_code = p_code,
        error_message = v_message
    where j.id = p_job.id;

    perform queue.record_attempt(
        p_job,
        case
            when v_status = 'cancelled' then 'cancelled'
            when p_error_class = 'worker_lost' then 'lost'
            when v_status = 'failed' then 'failed'
            else 'retried'
        end,
        case when v_status = 'cancelled' then 'cancelled' else p_error_class end, p_code, v_message, p_facts
    );

    -- What is charged late is still the host's or the source's trouble, and no strike against the input.
    if v_status <> 'cancelled' and (
        p_error_class in ('permanent', 'worker_lost') or (v_attempts > p_job.attempts and coalesce(v_policy.charges, true))
    ) then
        perform queue.record_strike(p_job, p_error_class, p_code);
    end if;
    if v_status = 'queued' then
        perform queue.schedule_or_admit(array[p_job.id]);
        return v_status;
    end if;
    if v_status = 'failed' then
        insert into queue.dead_letters (job_id, job_type, failed_at) values (p_job.id, p_job.job_type, v_now);
        -- Those that fall with it are not told one by one.
        if (select t.tells_failure from queue.job_types as t where t.job_type = p_job.job_type) then  -- mutant: failed deliveries breed events
            perform base.emit_event(
                'job.failed', p_job.tenant_id, 'job:' || p_job.id,
                jsonb_build_object(
                    'job_id', p_job.id, 'job_type', p_job.job_type, 'video_id', p_job.video_id, 'asset_id', p_job.asset_id, 'error_code', p_code,
                    'attempts', v_attempts
                )
            );
        end if;
    end if;
    -- The video before the children: its first reason stays, and theirs would only be that this one failed.
    if p_job.pipeline_run is not null and p_job.video_id is not null then
        perform media.fail_video(p_job.video_id, p_code, v_message);
    end if;
    if p_leaves_children then
        insert into queue.cascades (job_id) values (p_job.id) on conflict do nothing;
    else
        perform queue.settle_children_of_failed(array[p_job.id]);
    end if;
    return v_status;
end;
$$;

comment on function queue.settle_failure(queue.processing_jobs, text, text, text, jsonb, boolean) is $$
End the attempt of a running job, whose row the caller has locked, with an error: back to the queue after a
back-off while its budget lasts, else failed; cancelled when that was asked for. Returns the new status.
See queue.fail_job for the arguments. p_leaves_children: the caller must not wait for a lock, so those that wait for the job
are left to queue.continue_cascades.
$$;
