create table ops.webhook_deliveries (
    webhook_id uuid not null,
    job_id uuid not null,
    seq bigint,
    event_id uuid not null,
    event_type text not null,
    ordering_key text not null,
    created_at timestamptz not null default base.clock(),
    constraint webhook_deliveries_pkey primary key (webhook_id, job_id, created_at)
) partition by range (created_at);

create index webhook_deliveries_by_key on ops.webhook_deliveries (webhook_id, ordering_key, job_id);

comment on table ops.webhook_deliveries is $$
Which job delivers, or has delivered, which event to which endpoint: a partition a month of created_at, kept as ops.partition_policies says. A row is never
changed: how it went is told by the job. No foreign keys: the relay writes thousands a second, and rows of an endpoint that was deleted go with their month.
$$;
comment on column ops.webhook_deliveries.webhook_id is 'The endpoint. [internal]';
comment on column ops.webhook_deliveries.job_id is 'The job. Ids ascend with time. [internal]';
comment on column ops.webhook_deliveries.seq is 'The event''s place in ops.events; null: a ping. [internal]';
comment on column ops.webhook_deliveries.event_id is 'The event. [internal]';
comment on column ops.webhook_deliveries.event_type is 'Its type. [internal]';
comment on column ops.webhook_deliveries.ordering_key is 'What it is about; deliveries of one key to one endpoint run one after the other. [internal]';
comment on column ops.webhook_deliveries.created_at is 'When the job was enqueued. [internal]';
