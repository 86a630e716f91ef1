create table queue.parked (
    gate text not null,
    rank double precision not null,
    seq bigint not null,
    job_id uuid not null,
    job_type text not null,
    priority smallint not null default 0,
    flow uuid not null default '00000000-0000-0000-0000-000000000000',
    fair_key double precision not null default 0,
    moved boolean not null default false,
    constraint parked_pkey primary key (gate, priority, fair_key, seq),
    constraint a_job_is_parked_once unique (job_id)
);

-- The last place of a tenant behind a gate, which is where its next job comes in.
create index parked_by_flow on queue.parked (gate, priority, flow, moved, fair_key);

comment on table queue.parked is 'Queued jobs behind a gate: over a limit, or paused. No claim ever meets them; queue.admit_parked moves them.';
comment on column queue.parked.gate is 'A key of queue.limits, or pause:<scope>:<key> of queue.pauses.';
comment on column queue.parked.rank is 'Urgency, smaller first: Unix time at which it was due plus 3600 a priority, so that an hour of waiting is worth one priority. Says which priority behind the gate is served, by the head of each.';
comment on column queue.parked.seq is 'Order among equals.';
comment on column queue.parked.job_id is 'The job.';
comment on column queue.parked.job_type is 'Its type, for counts without the wide table.';
comment on column queue.parked.priority is 'Its priority. 0: parked by a release before 0.2.0, in the order of seq. [internal]';
comment on column queue.parked.flow is 'Its tenant, whose turns are counted; all zeros for jobs of the platform itself. [internal]';
comment on column queue.parked.fair_key is 'Order within gate and priority, smaller first. Start-time fair queueing, as in queue.ready: how far the gate was served (queue.limits.virtual_times) or the tenant''s last key, whichever is later, plus 1 / weight of the tenant. [internal]';
comment on column queue.parked.moved is 'It came from the head of another gate, or was ready before the limit was set: its tenant''s turns among such jobs are counted apart, so that it does not wait for its tenant''s whole backlog again. [internal]';
