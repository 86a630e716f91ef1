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
without a row of its own), name:<word> (jobs whose limits name it). Set with queue.set_limit. Permits are given by
queue.admit_parked and released through queue.gate_events; nobody else writes `used`.
$$;
comment on column queue.limits.limit_key is 'What is limited.';
comment on column queue.limits.max_running is 'How many permits there are; null: as many as tenant:* says.';
comment on column queue.limits.used is 'Permits given; those in queue.gate_events have been released since.';
comment on column queue.limits.created_at is 'When the row was made.';
comment on column queue.limits.updated_at is 'When the limit last changed.';
comment on column queue.limits.counted is 'What ran when the limit was made has been counted; before that it gives no permit. See queue.initialise_limits.';

create trigger touch_updated_at before update on queue.limits
for each row when (old.max_running is distinct from new.max_running) execute function base.tg_touch_updated_at();
