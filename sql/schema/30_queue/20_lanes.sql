create table queue.lanes (
    lane integer generated always as identity primary key,
    job_type text not null references queue.job_types (job_type) on delete restrict,
    priority smallint not null,
    weight integer not null,
    needs text[] not null,
    created_at timestamptz not null default base.clock()
);

-- Not unique: who makes the first job of a kind would wait for whoever does the same and has not committed. A second lane
-- of a kind does no harm; new jobs go into the first.
create index lanes_by_kind on queue.lanes (job_type, priority, weight, needs);

comment on table queue.lanes is $$
The kinds of ready work: what decides whether a worker may take a job, and how urgent it is. A row
is made when the first such job becomes ready. The lane leads the key of queue.ready, so that a
worker never walks over work that it does not take.
$$;
comment on column queue.lanes.lane is 'Number of the lane.';
comment on column queue.lanes.job_type is 'Type of its jobs.';
comment on column queue.lanes.priority is 'Priority of its jobs, 1 first.';
comment on column queue.lanes.weight is 'Slots that one of its jobs takes.';
comment on column queue.lanes.needs is 'Capabilities that its jobs need.';
comment on column queue.lanes.created_at is 'When the first such job came.';
