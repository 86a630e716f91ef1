create table ops.event_types (
    name text primary key,
    about text not null,
    audience text not null default 'tenant',
    created_at timestamptz not null default base.clock(),
    is_own boolean not null default false,
    notifies text,
    title text,
    message text,
    action_url text,
    action_label text,
    channels text[] not null default '{in_app}',
    lives interval not null default '90 days',
    constraint name_is_words_with_dots check (name ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$' and length(name) <= 100),
    constraint audience_is_known check (audience in ('tenant', 'operator')),
    constraint notifies_is_known check (notifies in ('owner', 'owner_or_admins', 'admins')),
    constraint who_is_notified_is_told_something check (notifies is null or (title is not null and message is not null)),
    constraint channels_are_known check (channels <@ '{in_app,email,push}' and array_position(channels, null) is null),
    constraint lives_an_hour_to_a_year check (lives between interval '1 hour' and interval '1 year')
);

comment on table ops.event_types is 'The kinds of events that there are. An application may add its own; base.emit_event takes no others; what notifications of it say.';
comment on column ops.event_types.name is 'The thing, a dot, what happened to it in the past, as video.ready. [public]';
comment on column ops.event_types.about is 'When it is told, and what its data has. [public]';
comment on column ops.event_types.audience is 'Whom it may concern: tenant, or operator alone. [internal]';
comment on column ops.event_types.created_at is 'When the row was made. [internal]';
comment on column ops.event_types.is_own is 'Whether an application brought it (ops.add_event_type) and emits it by ops.emit_event. [internal]';
comment on column ops.event_types.notifies
is 'Who is notified: owner (the user whose video, job or file it is), admins (of the tenant), owner_or_admins (admins where it is nobody''s). Null: nobody. An operator may change it. [internal]';
comment on column ops.event_types.title is 'Of the notification, a line. {video} is the title of the video, {name} what data has under name. Null exactly where nobody is notified. [public]';
comment on column ops.event_types.message is 'Of the notification, some sentences; as title. [public]';
comment on column ops.event_types.action_url is 'Where its link leads, as /videos/{video_id}: within the application (REELQ_APP_URL); as title. Null: no link. [public]';
comment on column ops.event_types.action_label is 'What its link says; null: no link, or the link itself. [public]';
comment on column ops.event_types.channels is 'Where it goes unless a user has chosen otherwise: in_app, email, push. An operator may change it. [internal]';
comment on column ops.event_types.lives is 'How long a notification of it is shown; then it goes. [internal]';
