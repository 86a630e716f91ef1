create or replace function queue.start_few_jobs(p_worker_id text, p_batch queue.claimed_batch)
returns setof queue.claimed_job
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
begin
    return query
    with started as (
        update queue.processing_jobs as j
        set
            status = 'running', status_changed_at = v_now, updated_at = v_now, token = j.token + 1, worker_id = p_worker_id, started_at = v_now, next_retry_at = null
        from queue.job_types as t
        where j.id = any(p_batch.job_ids) and t.job_type = j.job_type
        returning
            j.id, j.token, j.job_type, j.tenant_id, j.user_id, j.video_id, j.asset_id, j.job_data, j.priority, j.attempts,
            j.max_attempts, t.lease, t.time_limit, t.stall_limit, j.weight, j.pipeline_run, j.pipeline_step,
            j.scheduled_for, j.created_at, t.batch, array_position(p_batch.job_ids, j.id) as place
    ),
    leased as (
        insert into queue.leases (job_id, token, worker_id, job_type, lease, expires_at, started_at, beat_at, limits)
        select
            s.id, s.token, p_worker_id, s.job_type, s.lease, v_now + s.lease, v_now, v_now,
            string_to_array(p_batch.limits[s.place], ' ')
        from started as s
    )
    select
        'claimed', s.id, s.token, s.job_type, s.tenant_id, s.user_id, s.video_id, s.asset_id, s.job_data, s.priority,
        s.attempts, s.max_attempts, s.lease, s.time_limit, s.stall_limit, s.weight, s.pipeline_run, s.pipeline_step,
        s.scheduled_for, s.created_at, p_batch.ready_ats[s.place], p_batch.lanes[s.place], p_batch.fair_keys[s.place],
        p_batch.seqs[s.place], s.batch
    from started as s
    order by s.place;
end;
$$;

comment on function queue.start_few_jobs(text, queue.claimed_batch) is $$
What queue.start_jobs does, for up to ten jobs and within queue.claim_jobs, whose settings it needs: without the hashes of a batch,
whose setting up would cost more than all else.
$$;
