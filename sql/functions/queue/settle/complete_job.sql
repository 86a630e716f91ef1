create or replace function queue.complete_job(
    p_job_id uuid,
    p_token integer,
    p_result jsonb default '{}',
    p_facts jsonb default '{}'
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_job queue.processing_jobs := queue.lock_running_job(p_job_id, p_token);
    v_limits text[];
begin
    perform queue.check_result(p_result);
    update queue.processing_jobs as j
    set
        status = 'completed',
        completed_at = base.clock(),
        duration_ms = extract(epoch from base.clock() - j.started_at) * 1000,
        result_data = coalesce(p_result, '{}'),
        error_class = null, error_code = null, error_message = null
    where j.id = p_job_id;
    delete from queue.leases as l where l.job_id = p_job_id returning l.limits into v_limits;  -- mutant: a lease stays behind
    perform queue.release_permits(v_limits);
    perform queue.record_attempt(v_job, 'completed', null, null, null, p_facts);
    perform queue.release_children(array[p_job_id]);
end;
$$;

comment on function queue.complete_job(uuid, integer, jsonb, jsonb) is $$
Mark a running job completed and release the jobs that waited for it. What the worker writes after it in
the same transaction is under the same fence.

Arguments
  p_token   the fencing token that the claim returned
  p_result  small JSON object (64 kB at most) for people and children, not media
  p_facts   {"cpu_seconds", "peak_memory_bytes", "log"} of the attempt; log: what its programs were called with and printed,
            of which the last 32,000 characters are kept

Raises
  RQ001  lease lost: reclaimed by another worker, cancelled, or finished
  RQ008  the result is no object or too large
$$;
