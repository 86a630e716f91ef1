create or replace function ops.count_jobs_of(p_job_ids uuid[], p_archived_ids uuid[])
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
    select jsonb_build_object(
        'queue.processing_jobs', cardinality(p_job_ids),
        'queue.job_attempts', (select count(*) from queue.job_attempts as a where a.job_id = any(p_job_ids)),
        'queue.job_history', cardinality(p_archived_ids),
        'queue.attempt_history', (select count(*) from queue.attempt_history as a where a.job_id = any(p_archived_ids))
    );
$$;

comment on function ops.count_jobs_of(uuid[], uuid[]) is $$
What goes with jobs, by table, as the counts of an erasure have it.

Arguments
  p_job_ids       of queue.processing_jobs
  p_archived_ids  of queue.job_history
$$;
