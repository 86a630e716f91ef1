create sequence queue.ready_seq;
comment on sequence queue.ready_seq is 'Order in which jobs became ready, or were parked.';

create table queue.ready (
    lane integer not null,
    fair_key double precision not null default 0,
    seq bigint not null,
    job_id uuid not null,
    flow uuid not null default '00000000-0000-0000-0000-000000000000',
    ready_at timestamptz not null,
    limits text[],
    constraint ready_pkey primary key (lane, fair_key, seq),
    constraint a_job_is_ready_once unique (job_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- The last place of a tenant in a lane, which is where its next job comes in.
create index ready_by_flow on queue.ready (lane, flow, fair_key);

-- The same among those that hold permits.
create index ready_under_limits on queue.ready (lane, flow, fair_key) where limits is not null;

comment on table queue.ready is 'Jobs that may be claimed now, and nothing else. A claim deletes the best rows of a lane; rows are never updated.';
comment on column queue.ready.lane is 'Kind of work, see queue.lanes.';
comment on column queue.ready.fair_key is 'Start-time fair queueing: the lane''s virtual time or the tenant''s last key, whichever is later, plus 1 / weight of the tenant. Smaller first.';
comment on column queue.ready.seq is 'Order of becoming ready.';
comment on column queue.ready.job_id is 'The job.';
comment on column queue.ready.flow is 'Its tenant, whose turns are counted; all zeros for jobs of the platform itself.';
comment on column queue.ready.ready_at is 'When it became ready; the age that lifts its priority.';
comment on column queue.ready.limits is 'Limits of which it holds a permit; null: none.';
