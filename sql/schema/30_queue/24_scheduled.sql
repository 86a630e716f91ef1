create table queue.scheduled (
    due timestamptz not null,
    job_id uuid not null,
    job_type text not null,
    constraint scheduled_pkey primary key (due, job_id)
);

comment on table queue.scheduled is 'Queued jobs whose time has not come: enqueued for later, snoozed, or backing off. queue.promote_due moves them.';
comment on column queue.scheduled.due is 'Equal to the job''s scheduled_for.';
comment on column queue.scheduled.job_id is 'The job.';
comment on column queue.scheduled.job_type is 'Its type, for counts without the wide table.';
