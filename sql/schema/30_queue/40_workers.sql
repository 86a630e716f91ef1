create table queue.workers (
    worker_id text primary key,
    host text not null,
    pid integer not null,
    process_key text,
    version text not null,
    pool text not null,
    slots integer not null,
    types text[],
    capabilities text[] not null default '{}',
    status text not null default 'active',
    status_changed_at timestamptz not null default base.clock(),
    drain_requested_at timestamptz,
    started_at timestamptz not null default base.clock(),
    last_beat_at timestamptz not null default base.clock(),
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    last_look_at timestamptz,
    trouble text,
    remedy text,
    beat_interval interval,
    constraint status_is_known check (status in ('active', 'draining', 'stopped', 'lost')),
    constraint slots_are_positive check (slots >= 1),
    constraint types_are_not_empty check (types is null or cardinality(types) > 0),
    constraint trouble_has_a_remedy check ((trouble is null) = (remedy is null)),
    constraint beat_interval_is_positive check (beat_interval > interval '0')
) with (fillfactor = 50);

comment on table queue.workers is 'Worker processes: who they are, what they take, when they were last heard of.';
comment on column queue.workers.worker_id is 'host:pool:pid:random, new at every start.';
comment on column queue.workers.host is 'Host name.';
comment on column queue.workers.pid is 'Process id on that host.';
comment on column queue.workers.process_key is 'Boot id and PID namespace: two workers with the same key can tell whether the other''s process lives.';
comment on column queue.workers.version is 'Version of reelq that it runs.';
comment on column queue.workers.pool is 'Name of the pool.';
comment on column queue.workers.slots is 'How many jobs of weight 1 it runs at once.';
comment on column queue.workers.types is 'Job types that it takes; null: all.';
comment on column queue.workers.capabilities is 'What it offers to jobs with needs.';
comment on column queue.workers.status is 'active, draining (takes nothing new), stopped (left in order), lost (not heard of for a minute).';
comment on column queue.workers.status_changed_at is 'When the status last changed.';
comment on column queue.workers.drain_requested_at is 'When somebody asked it to drain.';
comment on column queue.workers.started_at is 'When it registered.';
comment on column queue.workers.last_beat_at is 'Last heartbeat.';
comment on column queue.workers.created_at is 'When the row was made.';
comment on column queue.workers.updated_at is 'When the row last changed; heartbeats do not count.';
comment on column queue.workers.last_look_at is 'When it last looked for work, to five seconds; null: never.';
comment on column queue.workers.trouble is 'What keeps its host from working, as a sentence, such as no ffmpeg; it is given no job meanwhile. Null: it is fit.';
comment on column queue.workers.remedy is 'What an operator does about it on that host.';
comment on column queue.workers.beat_interval is 'How often it means to beat; null: it has not told. [internal]';

-- Not for heartbeats, which write last_beat_at alone.
create trigger touch_status before update on queue.workers
for each row when (old.status is distinct from new.status) execute function base.tg_touch_status();

create trigger touch_updated_at before update on queue.workers
for each row when (
    (old.last_beat_at is not distinct from new.last_beat_at and old.last_look_at is not distinct from new.last_look_at)
    or old.status is distinct from new.status
)
execute function base.tg_touch_updated_at();
