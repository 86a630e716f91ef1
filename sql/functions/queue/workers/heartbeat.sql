create or replace function queue.heartbeat(p_worker_id text, p_jobs jsonb default '[]')
returns table (job_id uuid, verdict text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_now timestamptz := base.clock();
    v_status text;
begin
    if p_jobs is null or jsonb_typeof(p_jobs) <> 'array' then
        raise exception 'jobs must be a JSON array of objects, not %', coalesce(jsonb_typeof(p_jobs), 'null')
            using errcode = 'RQ008', hint = '[{"job_id": …, "token": 1, "progress": 0.5}]';
    end if;
    update queue.workers as w
    set
        last_beat_at = v_now,
        status = case when w.status <> 'lost' then w.status when w.drain_requested_at is null then 'active' else 'draining' end
    where w.worker_id = any(array(
        select me.worker_id from queue.workers as me where me.worker_id = p_worker_id for no key update skip locked
    ))
    returning w.status into v_status;
    if not found then
        -- The row is locked, as by somebody who drains the worker and has not committed: extend its leases all the same.
        select w.status into v_status from queue.workers as w where w.worker_id = p_worker_id;
    end if;
    if not found or v_status = 'stopped' then
        raise exception 'worker % must be registered before it beats', quote_literal(left(p_worker_id, 80))
            using errcode = 'RQ010', hint = 'Call queue.register_worker first.';
    end if;

    -- Skip a lease that is being settled or taken back at this moment: a heartbeat must not wait for a row lock.
    update queue.leases as l
    set
        expires_at = v_now + l.lease,
        beat_at = v_now,
        progress = coalesce(queue.clamp_to_real(case when b.progress is not null then least(greatest(b.progress, 0), 1) end), l.progress),  -- mutant: unknown progress is none
        stage = coalesce(left(b.stage, 100), l.stage),
        speed = coalesce(queue.clamp_to_real(b.speed), l.speed),
        eta_s = coalesce(queue.clamp_to_real(b.eta_s), l.eta_s)
    from jsonb_to_recordset(p_jobs) as b (
        job_id uuid, token integer, progress double precision, stage text, speed double precision, eta_s double precision
    )
    where
        l.job_id = b.job_id and l.token = b.token and l.worker_id = p_worker_id  -- mutant: a heartbeat forgets the token
        and l.job_id = any(array(
            select held.job_id from queue.leases as held
            where held.job_id = any(array(select (i ->> 'job_id')::uuid from jsonb_array_elements(p_jobs) as i))
            for update skip locked
        ));

    return query
    select b.job_id, case when l.job_id is null then 'lost' else 'cancel' end
    from jsonb_to_recordset(p_jobs) as b (job_id uuid, token integer)
    left join queue.leases as l on l.job_id = b.job_id and l.token = b.token and l.worker_id = p_worker_id
    where l.job_id is null or l.cancel_requested_at is not null;
    if v_status = 'draining' then
        return query select null::uuid, 'drain';
    end if;
end;
$$;

comment on function queue.heartbeat(text, jsonb) is $$
Tell that a worker lives: extends the leases of these jobs, each by its own length, and stores their progress,
in one statement on narrow rows.

Arguments
  p_jobs  [{"job_id", "token", "progress": 0..1, "stage", "speed", "eta_s"}]; null keeps the last value

Returns only what needs the worker's attention: (job, 'cancel') somebody asked to cancel it; (job, 'lost')
the lease is gone, stop at once; (null, 'drain') take nothing new.

Raises
  RQ008  not an array
  RQ010  the worker is not registered, or has stopped
$$;
