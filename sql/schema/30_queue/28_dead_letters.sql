create table queue.dead_letters (
    job_id uuid primary key,
    job_type text not null,
    failed_at timestamptz not null
);

create index dead_letters_by_time on queue.dead_letters (failed_at);

comment on table queue.dead_letters is 'Jobs that failed for good, until queue.retry_job takes one back.';
comment on column queue.dead_letters.job_id is 'The job.';
comment on column queue.dead_letters.job_type is 'Its type.';
comment on column queue.dead_letters.failed_at is 'When it failed.';
