create table ops.event_types (
    name text primary key,
    about text not null,
    audience text not null default 'tenant',
    created_at timestamptz not null default base.clock(),
    is_own boolean not null default false,
    constraint name_is_words_with_dots check (name ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$' and length(name) <= 100),
    constraint audience_is_known check (audience in ('tenant', 'operator'))
);

comment on table ops.event_types is 'The kinds of events that there are. An application may add its own; base.emit_event takes no others.';
comment on column ops.event_types.name is 'The thing, a dot, what happened to it in the past, as video.ready. [public]';
comment on column ops.event_types.about is 'When it is told, and what its data has. [public]';
comment on column ops.event_types.audience is 'Whom it may concern: tenant, or operator alone. [internal]';
comment on column ops.event_types.created_at is 'When the row was made. [internal]';
comment on column ops.event_types.is_own is 'Whether an application brought it (ops.add_event_type) and emits it by ops.emit_event. [internal]';
