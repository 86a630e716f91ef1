create table queue.strikes (
    id bigint generated always as identity primary key,
    asset_id uuid not null,
    job_id uuid not null,
    attempt integer not null,
    error_class text not null,
    code text not null,
    created_at timestamptz not null default base.clock()
);

create index strikes_by_asset on queue.strikes (asset_id);

comment on table queue.strikes is 'Attempts that an input has failed or killed, across all jobs: what the poison guard counts. Only appended, until somebody releases the input.';
comment on column queue.strikes.id is 'Order.';
comment on column queue.strikes.asset_id is 'The input.';
comment on column queue.strikes.job_id is 'The job.';
comment on column queue.strikes.attempt is 'Its fencing token.';
comment on column queue.strikes.error_class is 'permanent, transient or worker_lost.';
comment on column queue.strikes.code is 'Code of the error.';
comment on column queue.strikes.created_at is 'When.';
