create type queue.judged_job as (
    job_id uuid,
    job_type text,
    outcome text,
    reason text
);

comment on type queue.judged_job is $$
What a change by hand does with a job, see queue.judge_jobs: the outcome in a word, and for a refused one the reason.
$$;
