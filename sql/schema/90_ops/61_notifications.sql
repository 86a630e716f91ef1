create table ops.notifications (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    user_id uuid not null references identity.users (id) on delete cascade,
    type text not null,
    title text not null,
    message text not null,
    action_url text,
    action_label text,
    channels text[] not null,
    event_id uuid,
    created_at timestamptz not null default base.clock(),
    expires_at timestamptz not null,
    read_at timestamptz,
    email_sent_at timestamptz,
    push_sent_at timestamptz,
    constraint title_is_a_line_of_1_to_255_characters check (length(title) >= 1 and length(title) <= 255 and title !~ '[[:cntrl:]]'),
    constraint message_has_1_to_4000_characters check (length(message) between 1 and 4000),
    constraint action_url_is_https_or_a_path check (action_url ~ '^(https?://[!-~]+|/([!-.0-\[\]-~][!-\[\]-~]*)?)$' and length(action_url) <= 2000),
    constraint action_label_is_a_line_of_1_to_100_characters check (length(action_label) >= 1 and length(action_label) <= 100 and action_label !~ '[[:cntrl:]]'),
    constraint channels_are_known check (channels <@ '{in_app,email,push}' and channels <> '{}' and array_position(channels, null) is null),
    constraint expires_after_it_was_made check (expires_at > created_at)
);

create unique index notifications_once_an_event on ops.notifications (event_id, user_id) where event_id is not null;
create index notifications_by_user on ops.notifications (user_id, id);
-- Whether it has expired is asked of each: the time is no part of an index.
create index notifications_unread on ops.notifications (user_id, expires_at) where read_at is null and 'in_app' = any(channels);
create index notifications_by_tenant on ops.notifications (tenant_id, id);
create index notifications_by_end on ops.notifications (expires_at);

comment on table ops.notifications is 'What users are told. Made of events by ops.route_to_users, and by ops.send_notification; removed when they have expired.';
comment on column ops.notifications.id is 'Time-ordered id. [internal]';
comment on column ops.notifications.tenant_id is 'The tenant of the user. [internal]';
comment on column ops.notifications.user_id is 'Who is told. [internal]';
comment on column ops.notifications.type is 'A name of ops.event_types. [internal]';
comment on column ops.notifications.title is 'A line. [personal]';
comment on column ops.notifications.message is 'Some sentences; plain text. [personal]';
comment on column ops.notifications.action_url is 'Where its link leads: http(s), or a path within the application; null: no link. [personal]';
comment on column ops.notifications.action_label is 'What its link says; null: the link itself. [personal]';
comment on column ops.notifications.channels is 'Where it goes, of in_app, email and push: what the user had chosen when it was made. Lists and counts show those of in_app. [internal]';
comment on column ops.notifications.event_id is 'The event that it tells; null: it was sent by hand. [internal]';
comment on column ops.notifications.created_at is 'When it was made. [internal]';
comment on column ops.notifications.expires_at is 'Not shown, nor sent, from then on. [internal]';
comment on column ops.notifications.read_at is 'When the user read it; null: not yet. [internal]';
comment on column ops.notifications.email_sent_at is 'When a mail server took it; null: not yet, or it is not to be mailed. [internal]';
comment on column ops.notifications.push_sent_at is 'When the first of the user''s push services took it; null: not yet, or it is not to be pushed. [internal]';

select base.protect_tenant_rows('ops.notifications');
