create table queue.reservations (
    lane integer primary key references queue.lanes (lane) on delete cascade,
    worker_id text not null,
    until timestamptz not null
);

comment on table queue.reservations is 'The worker that keeps slots free for the heavy job at the head of a lane, which light ones would else hold up for ever.';
comment on column queue.reservations.lane is 'The lane.';
comment on column queue.reservations.worker_id is 'The worker.';
comment on column queue.reservations.until is 'When another worker may take over, unless it asks again before.';
