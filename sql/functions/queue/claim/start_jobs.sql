create or replace function queue.start_jobs(p_worker_id text, p_batch queue.claimed_batch)
returns setof queue.claimed_job
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
-- Force one plan, as in queue.complete_batch: a hash of the batch, and the records by their ids.
set enable_hashjoin = on
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
    v_now timestamptz := base.clock();
begin
    return query
    with types as materialized (
        select t.job_type, t.lease, t.time_limit, t.stall_limit, t.batch from queue.job_types as t
    ),
    started as (
        update queue.processing_jobs as j
        set
            status = 'running', status_changed_at = v_now, updated_at = v_now, token = j.token + 1, worker_id = p_worker_id, started_at = v_now, next_retry_at = null
        from unnest(p_batch.job_ids, p_batch.lanes, p_batch.fair_keys, p_batch.seqs, p_batch.ready_ats, p_batch.limits)
            with ordinality as taken (id, lane, fair_key, seq, ready_at, limits, place)
        where j.id = any(p_batch.job_ids) and j.id = taken.id
        returning
            j.id, j.token, j.job_type, j.tenant_id, j.user_id, j.video_id, j.asset_id, j.job_data, j.priority, j.attempts,
            j.max_attempts, j.weight, j.pipeline_run, j.pipeline_step, j.scheduled_for, j.created_at, taken.lane, taken.fair_key,
            taken.seq, taken.ready_at, taken.limits, taken.place
    ),
    leased as (
        insert into queue.leases (job_id, token, worker_id, job_type, lease, expires_at, started_at, beat_at, limits)
        select
            s.id, s.token, p_worker_id, s.job_type, t.lease, v_now + t.lease, v_now, v_now, string_to_array(s.limits, ' ')
        from started as s
        inner join types as t on t.job_type = s.job_type
    )
    select
        'claimed', s.id, s.token, s.job_type, s.tenant_id, s.user_id, s.video_id, s.asset_id, s.job_data, s.priority,
        s.attempts, s.max_attempts, t.lease, t.time_limit, t.stall_limit, s.weight, s.pipeline_run, s.pipeline_step,
        s.scheduled_for, s.created_at, s.ready_at, s.lane, s.fair_key, s.seq, t.batch
    from started as s
    inner join types as t on t.job_type = s.job_type
    order by s.place;
end;
$$;

comment on function queue.start_jobs(text, queue.claimed_batch) is $$
Lease jobs that a claim has taken from queue.ready, whose rows it has locked, to a worker; most urgent first.
$$;
