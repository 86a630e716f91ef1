create table queue.gate_events (
    id bigint generated always as identity primary key,
    gate text not null,
    permits integer not null,
    transaction_id xid8 not null default pg_current_xact_id()
);

create index gate_events_by_gate on queue.gate_events (gate);

comment on table queue.gate_events is $$
Gates that are worth a look: permits that were released, jobs that were parked, pauses that ended. Rows are only appended,
so that nobody who enqueues, settles or cancels waits for a lock on the limit; claimers consume them.
$$;
comment on column queue.gate_events.id is 'Order.';
comment on column queue.gate_events.gate is 'The gate.';
comment on column queue.gate_events.permits is 'Permits that were released; 0: something else happened.';
comment on column queue.gate_events.transaction_id is 'The transaction that wrote it.';
