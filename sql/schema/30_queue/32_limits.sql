create table queue.limits (
    limit_key text primary key,
    max_running integer not null,
    used integer not null default 0,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint max_running_is_not_negative check (max_running >= 0),
    constraint used_is_not_negative check (used >= 0)
) with (fillfactor = 50);

comment on table queue.limits is 'How many jobs of a key may be ready or running together. Nothing reads it yet: jobs are not limited.';
comment on column queue.limits.limit_key is 'What is limited, such as tenant:… or type:….';
comment on column queue.limits.max_running is 'Most jobs of the key that are ready or running.';
comment on column queue.limits.used is 'How many are.';
comment on column queue.limits.created_at is 'When the row was made.';
comment on column queue.limits.updated_at is 'When the row last changed.';

create table queue.parked (
    limit_key text not null references queue.limits (limit_key) on delete restrict,
    seq bigint not null,
    job_id uuid not null,
    constraint parked_pkey primary key (limit_key, seq),
    constraint a_job_is_parked_once unique (job_id)
);

comment on table queue.parked is 'Queued jobs over a limit, in their order. Nothing parks a job yet.';
comment on column queue.parked.limit_key is 'The limit that they wait for.';
comment on column queue.parked.seq is 'Order of parking.';
comment on column queue.parked.job_id is 'The job.';

create table queue.pauses (
    scope text not null,
    key text not null default '',
    reason text not null,
    paused_by text not null default current_user,
    created_at timestamptz not null default base.clock(),
    constraint pauses_pkey primary key (scope, key),
    constraint scope_is_known check (scope in ('all', 'job_type', 'tenant', 'channel')),
    constraint reason_is_given check (reason <> '')
);

comment on table queue.pauses is 'What stands still on an operator''s word. Nothing reads it yet: work is not held back.';
comment on column queue.pauses.scope is 'all, job_type, tenant or channel.';
comment on column queue.pauses.key is 'Which of the scope; empty for all.';
comment on column queue.pauses.reason is 'Why, for those who find it paused.';
comment on column queue.pauses.paused_by is 'Database role that asked.';
comment on column queue.pauses.created_at is 'Since when.';

create trigger touch_updated_at before update on queue.limits
for each row execute function base.touch_updated_at();
