create table identity.user_sessions (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    user_id uuid not null references identity.users (id) on delete cascade,
    token_hash bytea not null,
    device text,
    ip_address inet,
    user_agent text,
    second_factor boolean not null default false,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_because text,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint token_hash_is_sha256 check (octet_length(token_hash) = 32),
    constraint one_session_a_token unique (token_hash),
    constraint device_has_1_to_100_characters check (length(device) between 1 and 100),
    constraint user_agent_has_1_to_500_characters check (length(user_agent) between 1 and 500),
    constraint expires_after_it_began check (expires_at > created_at),
    constraint revoked_has_a_reason check ((revoked_at is null) = (revoked_because is null)),
    constraint reason_is_known
    check (revoked_because in ('logged_out', 'revoked', 'password_changed', 'role_changed', 'suspended', 'deleted', 'second_factor_changed', 'too_many'))
) with (fillfactor = 80);

create index user_sessions_by_user on identity.user_sessions (user_id, created_at);
-- At most a hundred of a user, however many have ended.
create index user_sessions_live on identity.user_sessions (user_id, expires_at) where revoked_at is null;
create index user_sessions_by_tenant on identity.user_sessions (tenant_id, created_at);
create index user_sessions_by_end on identity.user_sessions (expires_at);

comment on table identity.user_sessions is 'Who is logged in where. The token itself is shown once and kept nowhere; identity.check_session knows it by its hash.';
comment on column identity.user_sessions.id is 'Time-ordered id; names the session where the token may not be shown. [internal]';
comment on column identity.user_sessions.tenant_id is 'The tenant of the user. [internal]';
comment on column identity.user_sessions.user_id is 'Whose session it is. [internal]';
comment on column identity.user_sessions.token_hash is 'SHA-256 of the token. [secret]';
comment on column identity.user_sessions.device is 'What the device is called, in the words of the application or its user; null: not told. [personal]';
comment on column identity.user_sessions.ip_address is 'Where the log-in came from; null: not told. [personal]';
comment on column identity.user_sessions.user_agent is 'What the browser called itself at the log-in, its first 500 characters; null: not told. [personal]';
comment on column identity.user_sessions.second_factor is 'Whether a second factor was given. [internal]';
comment on column identity.user_sessions.expires_at is 'The end in any case; it ends before when it is not used for the setting session_idle. [internal]';
comment on column identity.user_sessions.revoked_at is 'When it was ended before its time; null: it was not. [internal]';
comment on column identity.user_sessions.revoked_because
is 'logged_out, revoked, password_changed, role_changed, suspended, deleted, second_factor_changed or too_many (a user has 100 at most); null exactly when revoked_at is. [internal]';
comment on column identity.user_sessions.created_at is 'When the user logged in. [internal]';
comment on column identity.user_sessions.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on identity.user_sessions
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('identity.user_sessions');
