create table ops.feature_flags (
    id uuid primary key default base.uuid_v7(),
    name text not null,
    description text not null default '',
    enabled boolean not null default false,
    rollout_percentage numeric(5, 2) not null default 0,
    rollout_by text not null default 'tenant',
    user_rules jsonb not null default '[]',
    tenant_rules jsonb not null default '[]',
    segment_rules jsonb not null default '[]',
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint feature_flags_one_name unique (name),
    constraint name_is_words_with_dots check (name ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$' and length(name) <= 100),
    constraint valid_rollout check (rollout_percentage between 0 and 100),
    constraint rollout_by_is_known check (rollout_by in ('tenant', 'user')),
    constraint user_rules_are_known check (base.flag_rules_refusal('user', user_rules) is null),
    constraint tenant_rules_are_known check (base.flag_rules_refusal('tenant', tenant_rules) is null),
    constraint segment_rules_are_known check (base.flag_rules_refusal('segment', segment_rules) is null)
);

comment on table ops.feature_flags is 'Behaviour that is on for some and not (yet) for others: ops.is_flag_on decides, ops.explain_flag says why, ops.set_flag changes it. An application may have flags of its own.';
comment on column ops.feature_flags.id is 'Time-ordered id. [internal]';
comment on column ops.feature_flags.name is 'What it switches, as ladder.better_compression; unique. It goes into the hash: a renamed flag is on for others. [internal]';
comment on column ops.feature_flags.description is 'What it does where it is on. [internal]';
comment on column ops.feature_flags.enabled is 'False: off for everybody, whatever the rules say. [internal]';
comment on column ops.feature_flags.rollout_percentage is 'For how many of those whom no rule names it is on, 0 to 100. Whoever it is on for stays in while it grows. [internal]';
comment on column ops.feature_flags.rollout_by is 'Whether the percentage counts tenants or users: tenant, user (where none is named, their tenant). [internal]';
comment on column ops.feature_flags.user_rules is 'JSON array: for these users it is on, or off: "<user id>", or {"id", "on"}. They go first. [internal]';
comment on column ops.feature_flags.tenant_rules is 'JSON array: for these tenants, likewise: "<tenant id>", or {"id", "on"}. They come next. [internal]';
comment on column ops.feature_flags.segment_rules is 'JSON array; the first that fits decides: {"tier": […], "plan": […], "role": […], "language": […], "on", "percentage"}; what is left out fits everybody. [internal]';
comment on column ops.feature_flags.created_at is 'When the row was made. [internal]';
comment on column ops.feature_flags.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on ops.feature_flags
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();
