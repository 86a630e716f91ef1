create sequence queue.ready_seq;
comment on sequence queue.ready_seq is 'Order in which jobs became ready.';

create table queue.ready (
    lane integer not null,
    fair_key double precision not null default 0,
    seq bigint not null,
    job_id uuid not null,
    ready_at timestamptz not null,
    constraint ready_pkey primary key (lane, fair_key, seq),
    constraint a_job_is_ready_once unique (job_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

comment on table queue.ready is 'Jobs that may be claimed now, and nothing else. A claim deletes the best rows of a lane; rows are never updated.';
comment on column queue.ready.lane is 'Kind of work, see queue.lanes.';
comment on column queue.ready.fair_key is 'Start-time fair queueing: smaller first. 0 for first come, first served.';
comment on column queue.ready.seq is 'Order of becoming ready.';
comment on column queue.ready.job_id is 'The job.';
comment on column queue.ready.ready_at is 'When it became ready; the age that lifts its priority.';
