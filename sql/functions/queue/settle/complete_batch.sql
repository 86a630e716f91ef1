create or replace function queue.complete_batch(
    p_worker_id text,
    p_job_ids uuid[],
    p_tokens integer[],
    p_results jsonb[],
    p_cpu double precision[],
    p_memory double precision[]
)
returns uuid[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
-- Force one plan, whatever the statistics say: a hash of the batch, and the records by their ids. A nested loop that was planned on
-- an empty table would read every record.
set enable_hashjoin = on
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
    v_now timestamptz := base.clock();
    v_done uuid[];
begin
    with reported as materialized (
        select * from unnest(p_job_ids, p_tokens, p_results, p_cpu, p_memory) as r (job_id, token, result, cpu_seconds, peak_memory_bytes)
    ),
    done as (
        update queue.processing_jobs as j
        set
            status = 'completed',
            status_changed_at = v_now,
            updated_at = v_now,
            completed_at = v_now,
            duration_ms = extract(epoch from v_now - j.started_at) * 1000,
            result_data = coalesce(r.result, '{}'),
            error_class = null, error_code = null, error_message = null
        from reported as r
        where
            j.id = any(p_job_ids) and j.id = r.job_id
            and j.status = 'running' and j.token = r.token and j.worker_id = p_worker_id  -- mutant: fence removed in a batch
        returning j.id, j.token, j.job_type, j.worker_id, j.started_at, r.cpu_seconds, r.peak_memory_bytes
    ),
    recorded as (
        insert into queue.job_attempts (
            job_id, attempt, job_type, worker_id, started_at, ended_at, outcome, cpu_seconds, peak_memory_bytes, created_at
        )
        select
            d.id, d.token, d.job_type, d.worker_id, d.started_at, v_now, 'completed',
            case when d.cpu_seconds is not null then queue.clamp_to_real(d.cpu_seconds) end,
            least(greatest(d.peak_memory_bytes, 0), 9e18)::bigint, v_now
        from done as d
    )
    select array_agg(d.id) into v_done from done as d;
    return v_done;
end;
$$;

comment on function queue.complete_batch(text, uuid[], integer[], jsonb[], double precision[], double precision[]) is $$
Mark running jobs of a worker completed, each under its token, and note the attempts: lists of equal length, ids in order.
Returns those that were still the worker's; null: none. See queue.settle_jobs.
$$;
