create or replace function queue.record_attempt(
    p_job queue.processing_jobs,
    p_outcome text,
    p_error_class text,
    p_code text,
    p_message text,
    p_facts jsonb
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into queue.job_attempts (
        job_id, attempt, job_type, worker_id, started_at, ended_at, outcome, error_class, code, message,
        stack, stderr_tail, cpu_seconds, peak_memory_bytes, log
    )
    values (
        p_job.id, p_job.token, p_job.job_type, p_job.worker_id, p_job.started_at, base.clock(), p_outcome, p_error_class,
        p_code, p_message, queue.cut_text(p_facts ->> 'stack', 16000), queue.cut_text(p_facts ->> 'stderr', 16000), queue.clamp_to_real((p_facts ->> 'cpu_seconds')::double precision),
        least(greatest((p_facts ->> 'peak_memory_bytes')::double precision, 0), 9e18)::bigint,
        queue.cut_text(p_facts ->> 'log', 32000)
    );
    if p_facts ? 'log' and p_job.token > 20 then  -- mutant: logs of all attempts are kept
        update queue.job_attempts as a set log = null where a.job_id = p_job.id and a.attempt <= p_job.token - 20 and a.log is not null;
    end if;
end;
$$;

comment on function queue.record_attempt(queue.processing_jobs, text, text, text, text, jsonb) is $$
Write down how an attempt ended; see queue.fail_job for p_facts, and how long they may be. Of a job's logs the latest 20 attempts' are kept.
$$;
