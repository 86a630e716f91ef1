-- The linter wants a blank before the brackets of an array:
-- noqa: disable=LT01
create type queue.job_filter as (
    statuses text[],
    place text,
    job_type text,
    code text,
    tenant_id uuid,
    since timestamptz,
    until timestamptz,
    pool text,
    worker_id text,
    video_id uuid,
    priority integer,
    job_ids uuid[],
    user_id uuid
);

comment on type queue.job_filter is $$
Which jobs a list or a bulk change is about, checked by queue.make_filter. What is null does not matter. since and until are about
the end of jobs that are over, and about the enqueue of the others. place is one of queue.job_summary, or 'not due': scheduled or backing off.
$$;
