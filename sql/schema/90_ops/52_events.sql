-- Numbers in the order in which events are relayed, one relay at a time: whoever has read up to one has missed none below it. seq is no such
-- number: a transaction that began early and commits late has a low one.
create sequence ops.event_positions;

comment on sequence ops.event_positions is 'Where ops.events.relay_position comes from; drawn under the lock of ops.relay_events.';

create table ops.events (
    seq bigint not null,
    event_id uuid not null,
    tenant_id uuid,
    event_type text not null,
    ordering_key text not null,
    data jsonb not null,
    created_at timestamptz not null,
    relayed_at timestamptz not null default base.clock(),
    relay_position bigint not null,
    constraint events_pkey primary key (seq, created_at),
    constraint data_is_an_object check (jsonb_typeof(data) = 'object')
) partition by range (created_at);

create index events_by_tenant on ops.events (tenant_id, relay_position);
create index events_by_id on ops.events (event_id);

comment on table ops.events is 'What was told, for whoever asks again: a partition a month of created_at, kept as ops.partition_policies says. Written by ops.relay_events.';
comment on column ops.events.seq is 'Order, as in ops.outbox. [internal]';
comment on column ops.events.event_id is 'Id of the event. [internal]';
comment on column ops.events.tenant_id is 'Whom it concerns; null: the operators. [internal]';
comment on column ops.events.event_type is 'A name of ops.event_types. [internal]';
comment on column ops.events.ordering_key is 'What it is about: events of one key are delivered in order. [internal]';
comment on column ops.events.data is 'JSON object: what happened, see ops.event_types. [internal]';
comment on column ops.events.created_at is 'When it happened. [internal]';
comment on column ops.events.relayed_at is 'When it was passed on to whom it concerns. [internal]';
comment on column ops.events.relay_position is 'Order in which events were passed on, from ops.event_positions: ops.events_after goes on behind it. [internal]';

select base.protect_tenant_rows('ops.events');
