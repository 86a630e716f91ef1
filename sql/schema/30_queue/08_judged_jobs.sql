-- The linter wants a blank before the brackets of an array:
-- noqa: disable=LT01
create type queue.judged_jobs as (
    job_ids uuid[],
    job_types text[],
    outcomes text[],
    reasons text[]
);

comment on type queue.judged_jobs is $$
What a change by hand does with jobs, see queue.judge_jobs, an element of each list for a job: its type, the outcome in a word, and
for a refused one the reason.
$$;
