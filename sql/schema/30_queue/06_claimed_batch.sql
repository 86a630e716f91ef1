-- The linter wants a blank before the brackets of an array:
-- noqa: disable=LT01
create type queue.claimed_batch as (
    job_ids uuid[],
    lanes integer[],
    fair_keys double precision[],
    seqs bigint[],
    ready_ats timestamptz[],
    limits text[]
);

comment on type queue.claimed_batch is $$
Jobs that a claim has taken from queue.ready, as lists of equal length: where each stood, since when, and the limits of which it
holds a permit (keys with spaces between; null: none).
$$;
