-- Apart from the session, which whoever ends it must never have to wait for.
create table identity.session_last_uses (
    session_id uuid primary key references identity.user_sessions (id) on delete cascade,
    used_at timestamptz not null default base.clock()
) with (fillfactor = 50);

comment on table identity.session_last_uses is 'When a session was last used; a row a session, made with it.';
comment on column identity.session_last_uses.session_id is 'The session. [internal]';
comment on column identity.session_last_uses.used_at is 'When; written at most once in the setting session_seen_every. [personal]';
