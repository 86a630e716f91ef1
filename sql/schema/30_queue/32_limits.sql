create table queue.limits (
    limit_key text primary key,
    max_running integer,
    used integer not null default 0,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    counted boolean not null default false,
    constraint limit_key_is_known check (limit_key ~ '^(type|tenant|name):[^ ]+$'),
    constraint max_running_is_positive check (max_running >= 1),
    constraint only_a_tenant_takes_the_common_limit check (max_running is not null or limit_key ~ '^tenant:[0-9a-f]')
) with (fillfactor = 50);

comment on table queue.limits is $$
How many jobs of a key may be ready or running together: type:<job type>, tenant:<id>, tenant:* (every tenant
without a row of its own), name:<word> (jobs whose limits name it). Set with queue.set_limit. Units are given by
queue.admit_parked and come back through queue.openings; nobody else writes `used`.
$$;
comment on column queue.limits.limit_key is 'What is limited.';
comment on column queue.limits.max_running is 'Units; null: as many as tenant:* says.';
comment on column queue.limits.used is 'Units given; those of queue.openings are back already.';
comment on column queue.limits.created_at is 'When the row was made.';
comment on column queue.limits.updated_at is 'When the limit last changed.';
comment on column queue.limits.counted is 'What ran when the limit was made has been counted; before that it gives no unit. See queue.begin_limits.';

create trigger touch_updated_at before update on queue.limits
for each row when (old.max_running is distinct from new.max_running) execute function base.touch_updated_at();

create table queue.parked (
    gate text not null,
    rank double precision not null,
    seq bigint not null,
    job_id uuid not null,
    job_type text not null,
    constraint parked_pkey primary key (gate, rank, seq),
    constraint a_job_is_parked_once unique (job_id)
);

comment on table queue.parked is 'Queued jobs behind a gate: over a limit, or paused. No claim ever meets them; queue.admit_parked moves them.';
comment on column queue.parked.gate is 'A key of queue.limits, or pause:<scope>:<key> of queue.pauses.';
comment on column queue.parked.rank is 'Order behind the gate, smaller first: Unix time at which it was due plus 3600 a priority, so that an hour of waiting is worth one priority.';
comment on column queue.parked.seq is 'Order among equals.';
comment on column queue.parked.job_id is 'The job.';
comment on column queue.parked.job_type is 'Its type, for counts without the wide table.';

create table queue.openings (
    id bigint generated always as identity primary key,
    gate text not null,
    units integer not null,
    made_in xid8 not null default pg_current_xact_id()
);

create index openings_by_gate on queue.openings (gate);

comment on table queue.openings is $$
Gates that are worth a look: units that came back, jobs that were parked, pauses that ended. Rows are only appended,
so that nobody who enqueues, settles or cancels waits for a lock on the limit; claimers consume them.
$$;
comment on column queue.openings.id is 'Order.';
comment on column queue.openings.gate is 'The gate.';
comment on column queue.openings.units is 'Units that came back; 0: look all the same.';
comment on column queue.openings.made_in is 'The transaction that wrote it.';
