create table queue.limits (
    limit_key text primary key,
    max_running integer,
    used integer not null default 0,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    counted boolean not null default false,
    virtual_times double precision[] not null default '{}',
    backlog boolean not null default false,
    constraint limit_key_is_known check (limit_key ~ '^(type|tenant|name):[^ ]+$'),
    constraint max_running_is_positive check (max_running >= 1),
    constraint only_a_tenant_takes_the_common_limit check (max_running is not null or limit_key ~ '^tenant:[0-9a-f]')
) with (fillfactor = 50);

-- Those that were set a moment ago.
create index limits_with_backlog on queue.limits (limit_key) where backlog;

comment on table queue.limits is $$
How many jobs of a key may be ready or running together: type:<job type>, tenant:<id>, tenant:* (every tenant
without a row of its own), name:<word> (jobs whose limits name it). Set with queue.set_limit. Permits are given by
queue.admit_parked and released through queue.gate_events; nobody else writes `used`.
$$;
comment on column queue.limits.limit_key is 'What is limited.';
comment on column queue.limits.max_running is 'How many permits there are; null: as many as tenant:* says.';
comment on column queue.limits.used is 'Permits given; those in queue.gate_events have been released since.';
comment on column queue.limits.created_at is 'When the row was made.';
comment on column queue.limits.updated_at is 'When the limit last changed.';
comment on column queue.limits.counted is 'What ran when the limit was made has been counted; before that it gives no permit. See queue.initialise_limits.';
comment on column queue.limits.virtual_times is 'How far each priority was served behind this limit, in the unit of queue.parked.fair_key: where a tenant that had nothing waiting comes in. [internal]';
comment on column queue.limits.backlog is 'Jobs that were ready before the limit was set may be more urgent than what is parked: claims park the first of them before they let anything in. See queue.park_backlog. [internal]';

create trigger touch_updated_at before update on queue.limits
for each row when (old.max_running is distinct from new.max_running) execute function base.tg_touch_updated_at();
