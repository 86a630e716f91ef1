-- No foreign keys: whoever settles a job waits for nobody here. ops.relay_events empties it.
create table ops.outbox (
    seq bigint primary key generated always as identity,
    event_id uuid not null default base.uuid_v7(),
    tenant_id uuid,
    event_type text not null,
    ordering_key text not null,
    data jsonb not null,
    created_at timestamptz not null default base.clock()
);

comment on table ops.outbox is 'Events that are not relayed yet, each written by base.emit_event in the transaction of what it tells. Rows stay for a second or so.';
comment on column ops.outbox.seq is 'Order in which they were told; of one ordering_key it is the order in which they happened. [internal]';
comment on column ops.outbox.event_id is 'Id of the event from here on; what receives it twice knows it by this. [internal]';
comment on column ops.outbox.tenant_id is 'Whom it concerns; null: the operators. [internal]';
comment on column ops.outbox.event_type is 'A name of ops.event_types. [internal]';
comment on column ops.outbox.ordering_key is 'What it is about, as video:<id>: events of one key are delivered in order. [internal]';
comment on column ops.outbox.data is 'JSON object: what happened, see ops.event_types. [internal]';
comment on column ops.outbox.created_at is 'When it happened. [internal]';

select base.protect_tenant_rows('ops.outbox');
