create table identity.users (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    email text not null,
    email_verified boolean not null default false,
    username text,
    password_hash text,
    full_name text,
    avatar_url text,
    role text not null default 'member',
    status text not null default 'active',
    settings jsonb not null default '{}',
    metadata jsonb not null default '{}',
    timezone text not null default 'UTC',
    language text not null default 'en',
    two_factor_enabled boolean not null default false,
    two_factor_secret bytea,
    last_login_at timestamptz,
    last_login_ip inet,
    failed_login_attempts integer not null default 0,
    locked_until timestamptz,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    status_changed_at timestamptz not null default base.clock(),
    deleted_at timestamptz,
    two_factor_last_step bigint,
    constraint email_looks_like_one check (email ~* '^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$' and length(email) <= 255),
    constraint username_has_1_to_100_characters check (length(username) between 1 and 100),
    constraint password_hash_is_argon2id_or_bcrypt check (
        password_hash ~ '^\$argon2id\$v=19\$m=[1-9][0-9]{0,6},t=[1-9][0-9]?,p=[1-9][0-9]?\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$'
        or password_hash ~ '^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$'
    ),
    constraint full_name_has_at_most_255_characters check (length(full_name) <= 255),
    constraint role_is_known check (role in ('admin', 'member', 'viewer', 'beta_tester')),
    constraint status_is_known check (status in ('active', 'trial', 'suspended', 'cancelled', 'deleted')),
    constraint deleted_has_a_time check (status <> 'deleted' or deleted_at is not null),
    constraint settings_is_an_object check (jsonb_typeof(settings) = 'object'),
    constraint metadata_is_an_object check (jsonb_typeof(metadata) = 'object'),
    constraint second_factor_has_a_secret check (not two_factor_enabled or two_factor_secret is not null),
    constraint secret_is_an_envelope check (base.is_envelope(two_factor_secret)),
    constraint failed_logins_are_not_negative check (failed_login_attempts >= 0)
);

create unique index users_one_email on identity.users (lower(email)) where deleted_at is null;
-- Who was deleted is found to be erased.
create index users_deleted_by_email on identity.users (lower(email)) where deleted_at is not null;
create unique index users_one_username on identity.users (tenant_id, lower(username)) where deleted_at is null;
create index users_by_tenant on identity.users (tenant_id, created_at);
create index users_by_secret_key on identity.users (base.envelope_key(two_factor_secret), id)
where two_factor_secret is not null;
create index users_admins on identity.users (tenant_id) where role = 'admin' and deleted_at is null;
create index users_with_bcrypt on identity.users (id) where password_hash like '$2%' and deleted_at is null;

comment on table identity.users is 'People with an account. Soft-deleted by deleted_at; reads filter it. Contains personal data.';
comment on column identity.users.id is 'Time-ordered id.';
comment on column identity.users.tenant_id is 'The tenant that the account belongs to.';
comment on column identity.users.email is 'Personal. Address to log in with; one live account an address, whatever its case.';
comment on column identity.users.email_verified is 'Whether the address was proved to be theirs.';
comment on column identity.users.username is 'Personal. Public handle, unique within the tenant whatever its case; null when none was chosen.';
comment on column identity.users.password_hash is 'Secret. argon2id, or bcrypt until the next log-in; made outside the database; null means no log-in by password. [secret]';
comment on column identity.users.full_name is 'Personal. Name as the person writes it.';
comment on column identity.users.avatar_url is 'Personal. Where the picture lies.';
comment on column identity.users.role is 'admin, member, viewer or beta_tester, within the tenant.';
comment on column identity.users.status is 'active, trial, suspended, cancelled or deleted (then deleted_at is set).';
comment on column identity.users.settings is 'JSON object: what the person chose, as {"theme": "dark"}.';
comment on column identity.users.metadata is 'JSON object: what the host application keeps here.';
comment on column identity.users.timezone is 'IANA name, as Europe/Vienna.';
comment on column identity.users.language is 'BCP 47 tag, as en or de-AT.';
comment on column identity.users.two_factor_enabled is 'Whether a second factor is asked for.';
comment on column identity.users.two_factor_secret is 'Secret. Sealed envelope (see base.is_envelope); null when no second factor is set up.';
comment on column identity.users.last_login_at is 'Personal. When they last logged in.';
comment on column identity.users.last_login_ip is 'Personal. Where from.';
comment on column identity.users.failed_login_attempts is 'Wrong passwords in a row since the last log-in.';
comment on column identity.users.locked_until is 'No log-in before this time; null when not locked.';
comment on column identity.users.created_at is 'When the row was made.';
comment on column identity.users.updated_at is 'When the row last changed; kept by a trigger.';
comment on column identity.users.status_changed_at is 'When status last changed; kept by a trigger.';
comment on column identity.users.deleted_at is 'Soft deletion; null while the account lives.';
comment on column identity.users.two_factor_last_step
is 'The last 30 seconds (since 1970, in steps of 30 s) whose code of the second factor was used: no code is taken twice; null: none was. [internal]';

create trigger touch_status before update of status on identity.users
for each row execute function base.tg_touch_status();

create trigger touch_updated_at before update on identity.users
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('identity.users');
