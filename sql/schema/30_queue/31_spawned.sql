create table queue.spawned (
    parent_id uuid not null,
    job_id uuid not null,
    created_at timestamptz not null default base.clock(),
    constraint spawned_pkey primary key (parent_id, job_id)
);

create index spawned_by_job on queue.spawned (job_id);

comment on table queue.spawned is 'Jobs that a running job fanned out into: whoever waits for it waits for them too, whenever it was enqueued.';
comment on column queue.spawned.parent_id is 'The job that ran.';
comment on column queue.spawned.job_id is 'The job that it made.';
comment on column queue.spawned.created_at is 'When.';
