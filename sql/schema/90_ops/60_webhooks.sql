create table ops.webhooks (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid references identity.tenants (id) on delete cascade,
    url text not null,
    events text[] not null default '{*}',
    description text not null default '',
    max_running integer,
    status text not null default 'active',
    status_reason text,
    failures integer not null default 0,
    failing_since timestamptz,
    last_error text,
    last_failed_at timestamptz,
    last_success_at timestamptz,
    probe_job_id uuid,
    created_by text not null default session_user,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint url_is_http_and_printable check (url ~ '^https?://[!-~]+$' and length(url) <= 2000),
    constraint events_are_given check (cardinality(events) >= 1 and cardinality(events) <= 50 and array_position(events, null) is null),
    constraint description_has_up_to_200_characters check (length(description) <= 200),
    constraint max_running_is_positive check (max_running >= 1),
    constraint status_is_known check (status in ('active', 'disabled')),
    constraint disabled_has_a_reason check ((status = 'disabled') = (status_reason is not null)),
    constraint failures_are_not_negative check (failures >= 0)
);

create index webhooks_by_tenant on ops.webhooks (tenant_id, id);
create index webhooks_failing on ops.webhooks (id) where failing_since is not null;

comment on table ops.webhooks is $$
Endpoints that events are delivered to, by jobs of type deliver_webhook. A row is written when its state changes and when a delivery fails, and not
for each delivery. Changed by ops.create_webhook, set_webhook and their like.
$$;
comment on column ops.webhooks.id is 'Time-ordered id; the channel_id of its deliveries. [internal]';
comment on column ops.webhooks.tenant_id is 'Whose events it gets; null: those that concern the operators. [internal]';
comment on column ops.webhooks.url is 'Where to POST: http or https. [internal]';
comment on column ops.webhooks.events is 'Which events: names of ops.event_types, video.* for all that begin so, * for all. [internal]';
comment on column ops.webhooks.description is 'What people call it. [internal]';
comment on column ops.webhooks.max_running is 'So many deliveries at once at most; null: no limit. Kept as a row of queue.limits. [internal]';
comment on column ops.webhooks.status is 'active, or disabled: nothing is enqueued for it, and what waits ends. [internal]';
comment on column ops.webhooks.status_reason is 'Why it is disabled, for people. [internal]';
comment on column ops.webhooks.failures is 'Deliveries in a row that failed by its own fault; 0 again after the first that arrives. [internal]';
comment on column ops.webhooks.failing_since is 'Since when it has been failing: its channel is paused while nothing answers. Null: it is well. [internal]';
comment on column ops.webhooks.last_error is 'Code of its latest failure, as webhook_slow. [internal]';
comment on column ops.webhooks.last_failed_at is 'When that was. [internal]';
comment on column ops.webhooks.last_success_at is 'When a delivery arrived, to a minute. [internal]';
comment on column ops.webhooks.probe_job_id is 'The job that asks a failing endpoint whether it answers again. [internal]';
comment on column ops.webhooks.created_by is 'Database role that made it. [internal]';
comment on column ops.webhooks.created_at is 'When the row was made. [internal]';
comment on column ops.webhooks.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on ops.webhooks
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('ops.webhooks');
