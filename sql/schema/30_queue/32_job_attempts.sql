create table queue.job_attempts (
    job_id uuid not null,
    attempt integer not null,
    job_type text not null,
    worker_id text not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    outcome text not null,
    error_class text,
    code text,
    message text,
    stack text,
    stderr_tail text,
    cpu_seconds real,
    peak_memory_bytes bigint,
    created_at timestamptz not null default base.clock(),
    log text,
    constraint job_attempts_pkey primary key (job_id, attempt),
    constraint outcome_is_known check (
        outcome in ('completed', 'retried', 'failed', 'cancelled', 'snoozed', 'released', 'lost')
    )
);

create index job_attempts_by_end on queue.job_attempts using brin (ended_at) with (pages_per_range = 16);

comment on table queue.job_attempts is $$
How every attempt ended: one row, written when it ends, never changed (but for old logs, which go). The key is a second fence:
an attempt cannot end twice.
$$;
comment on column queue.job_attempts.job_id is 'The job.';
comment on column queue.job_attempts.attempt is 'Fencing token of the attempt; 1 is the first.';
comment on column queue.job_attempts.job_type is 'Type of the job.';
comment on column queue.job_attempts.worker_id is 'Who ran it: host:pool:pid:random.';
comment on column queue.job_attempts.started_at is 'When it was claimed.';
comment on column queue.job_attempts.ended_at is 'When it was settled, or its lease taken back.';
comment on column queue.job_attempts.outcome is 'completed, retried, failed, cancelled, snoozed, released (drain), or lost (the worker vanished).';
comment on column queue.job_attempts.error_class is 'transient, rate_limited, permanent, cancelled or worker_lost; null: no error.';
comment on column queue.job_attempts.code is 'Stable word for the error.';
comment on column queue.job_attempts.message is 'One sentence for people.';
comment on column queue.job_attempts.stack is 'Python stack, for operators.';
comment on column queue.job_attempts.stderr_tail is 'End of what ffmpeg printed, for operators.';
comment on column queue.job_attempts.cpu_seconds is 'CPU time of the attempt''s children.';
comment on column queue.job_attempts.peak_memory_bytes is 'Largest resident size of a child.';
comment on column queue.job_attempts.created_at is 'When the row was written.';
comment on column queue.job_attempts.log is 'What ffmpeg and ffprobe were called with and printed, 32,000 characters at most, for operators; null: none ran, or the job has 20 later attempts. See queue.job_logs.';
