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
