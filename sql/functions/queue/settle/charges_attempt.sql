create or replace function queue.charges_attempt(
    p_policy queue.retry_policies,
    p_job queue.processing_jobs,
    p_code text
)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_since timestamptz;
begin
    if coalesce(p_policy.charges, true) or p_policy.charges_after is null then
        return coalesce(p_policy.charges, true);
    end if;
    -- The trouble began with the first attempt after the last one that ended otherwise; a job that was brought back by hand begins anew.
    -- Attempts that told nothing of the trouble (released, snoozed, lost) end no series.
    select min(a.started_at) into v_since
    from queue.job_attempts as a
    where
        a.job_id = p_job.id
        and a.attempt > coalesce((
            select max(other.attempt) from queue.job_attempts as other
            where
                other.job_id = p_job.id
                and (other.outcome = 'failed' or (other.outcome = 'retried' and other.code is distinct from p_code))
        ), 0);
    return base.clock() - least(v_since, p_job.started_at) > p_policy.charges_after;  -- mutant: trouble of the host costs nothing for ever
end;
$$;

comment on function queue.charges_attempt(queue.retry_policies, queue.processing_jobs, text) is $$
Whether the attempt of a running job that fails now with this code is charged, as its policy says: at once, never, or late, when the job has met
nothing but this trouble for longer than charges_after.
$$;
