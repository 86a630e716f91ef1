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
