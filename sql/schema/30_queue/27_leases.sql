-- Written by every heartbeat: half-empty pages and no second index make each write a HOT update.
create table queue.leases (
    job_id uuid primary key,
    token integer not null,
    worker_id text not null,
    job_type text not null,
    lease interval not null,
    expires_at timestamptz not null,
    started_at timestamptz not null,
    beat_at timestamptz not null,
    progress real,
    stage text,
    speed real,
    eta_s real,
    cancel_requested_at timestamptz,
    cancel_reason text,
    limits text[],
    constraint progress_is_a_fraction check (progress between 0 and 1),
    -- No client can read an infinite time, and one such row would keep all workers from reading any.
    constraint expiry_is_finite check (isfinite(expires_at))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

comment on table queue.leases is 'One row a running job: who holds it, under which token, until when.';
comment on column queue.leases.job_id is 'The job.';
comment on column queue.leases.token is 'Fencing token of the attempt; equal to the job''s.';
comment on column queue.leases.worker_id is 'The worker that holds it.';
comment on column queue.leases.job_type is 'Type of the job, for counts without the wide table.';
comment on column queue.leases.lease is 'How long a heartbeat extends it.';
comment on column queue.leases.expires_at is 'When the queue may take the job back.';
comment on column queue.leases.started_at is 'When the attempt was claimed.';
comment on column queue.leases.beat_at is 'Last heartbeat.';
comment on column queue.leases.progress is 'Done part, 0 to 1; null: unknown.';
comment on column queue.leases.stage is 'What the handler is doing, one word.';
comment on column queue.leases.speed is 'Media seconds done per second; null: does not apply.';
comment on column queue.leases.eta_s is 'Seconds that remain, as the handler guesses.';
comment on column queue.leases.cancel_requested_at is 'Set when somebody asked to cancel; the next heartbeat tells the worker.';
comment on column queue.leases.cancel_reason is 'Why, in that person''s words.';
comment on column queue.leases.limits is 'Limits of which the job holds a permit, released when the lease ends, however it ends; null: none.';
