create table ops.notification_settings (
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    user_id uuid not null references identity.users (id) on delete cascade,
    type text not null,
    channel text not null,
    is_on boolean not null,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint notification_settings_pkey primary key (user_id, type, channel),
    constraint type_is_one_or_all check (type = '*' or type ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$'),
    constraint channel_is_known check (channel in ('in_app', 'email', 'push'))
);

create index notification_settings_by_tenant on ops.notification_settings (tenant_id);

comment on table ops.notification_settings is 'By which channels users want to be told of what, where they have chosen. Else ops.event_types says it.';
comment on column ops.notification_settings.tenant_id is 'The tenant of the user. [internal]';
comment on column ops.notification_settings.user_id is 'Who has chosen. [internal]';
comment on column ops.notification_settings.type is 'A name of ops.event_types, or * for all that have no row of their own. [internal]';
comment on column ops.notification_settings.channel is 'in_app, email or push. [internal]';
comment on column ops.notification_settings.is_on is 'Whether it goes there. [internal]';
comment on column ops.notification_settings.created_at is 'When the row was made. [internal]';
comment on column ops.notification_settings.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on ops.notification_settings
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('ops.notification_settings');
