create table queue.pauses (
    scope text not null,
    key text not null default '',
    reason text not null,
    paused_by text not null default session_user,
    created_at timestamptz not null default base.clock(),
    constraint pauses_pkey primary key (scope, key),
    constraint scope_is_known check (scope in ('all', 'job_type', 'tenant', 'channel', 'input', 'suspended')),
    constraint reason_is_given check (reason <> '')
);

comment on table queue.pauses is 'What stands still: on an operator''s word (queue.pause), because a tenant is not active, or because an input has failed too often.';
comment on column queue.pauses.scope is 'all, job_type, tenant, channel; input: an asset that the poison guard holds; suspended: a tenant that is not active.';
comment on column queue.pauses.key is 'Which of the scope; empty for all.';
comment on column queue.pauses.reason is 'Why, for those who find it paused.';
comment on column queue.pauses.paused_by is 'Database role that asked.';
comment on column queue.pauses.created_at is 'Since when.';

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
