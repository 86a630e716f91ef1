create table identity.recovery_codes (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    user_id uuid not null references identity.users (id) on delete cascade,
    code_hash bytea not null,
    used_at timestamptz,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint code_hash_is_sha256 check (octet_length(code_hash) = 32),
    constraint one_code_a_user unique (user_id, code_hash)
);

create index recovery_codes_by_tenant on identity.recovery_codes (tenant_id, created_at);

comment on table identity.recovery_codes is 'What stands in for a second factor that was lost: ten codes a user, each good for one log-in.';
comment on column identity.recovery_codes.id is 'Time-ordered id. [internal]';
comment on column identity.recovery_codes.tenant_id is 'The tenant of the user. [internal]';
comment on column identity.recovery_codes.user_id is 'Whose it is. [internal]';
comment on column identity.recovery_codes.code_hash is 'SHA-256 of the code, which has 80 random bits. [secret]';
comment on column identity.recovery_codes.used_at is 'When it was used; null: it is good. [internal]';
comment on column identity.recovery_codes.created_at is 'When the row was made. [internal]';
comment on column identity.recovery_codes.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on identity.recovery_codes
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('identity.recovery_codes');
