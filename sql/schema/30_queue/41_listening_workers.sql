create unlogged table queue.listening_workers (
    worker_id text primary key,
    types text[],
    since timestamptz not null default base.clock()
);

comment on table queue.listening_workers is 'Workers that wait for a notification. Empty while all are busy: then nobody is notified and commits stay cheap.';
comment on column queue.listening_workers.worker_id is 'The worker.';
comment on column queue.listening_workers.types is 'Job types that would wake it; null: all.';
comment on column queue.listening_workers.since is 'Since when.';
