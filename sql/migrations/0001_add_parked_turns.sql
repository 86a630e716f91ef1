-- back: alter table queue.parked drop column priority, drop column flow, drop column fair_key, drop column moved
-- Jobs that the functions of 0.1.0 park until the upgrade is over have priority 0, which is served by rank beside the others.
alter table queue.parked
-- squawk-ignore prefer-bigint-over-smallint
add column priority smallint not null default 0,
add column flow uuid not null default '00000000-0000-0000-0000-000000000000',
add column fair_key double precision not null default 0,
add column moved boolean not null default false;
comment on column queue.parked.rank is 'Urgency, smaller first: Unix time at which it was due plus 3600 a priority, so that an hour of waiting is worth one priority. Says which priority behind the gate is served, by the head of each.';
comment on column queue.parked.priority is 'Its priority. 0: parked by a release before 0.2.0, in the order of seq. [internal]';
comment on column queue.parked.flow is 'Its tenant, whose turns are counted; all zeros for jobs of the platform itself. [internal]';
comment on column queue.parked.fair_key is 'Order within gate and priority, smaller first. Start-time fair queueing, as in queue.ready: how far the gate was served (queue.limits.virtual_times) or the tenant''s last key, whichever is later, plus 1 / weight of the tenant. [internal]';
comment on column queue.parked.moved is 'It came from the head of another gate, or was ready before the limit was set: its tenant''s turns among such jobs are counted apart, so that it does not wait for its tenant''s whole backlog again. [internal]';
