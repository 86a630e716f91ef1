create table identity.one_time_tokens (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    user_id uuid not null references identity.users (id) on delete cascade,
    purpose text not null,
    token_hash bytea not null,
    email text not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint purpose_is_known check (purpose in ('verify_email', 'reset_password', 'invitation')),
    constraint token_hash_is_sha256 check (octet_length(token_hash) = 32),
    constraint one_token_a_hash unique (token_hash),
    constraint email_looks_like_one check (base.is_email(email))
);

create unique index one_time_tokens_one_live on identity.one_time_tokens (user_id, purpose) where used_at is null;
create index one_time_tokens_by_user on identity.one_time_tokens (user_id, created_at);
create index one_time_tokens_by_tenant on identity.one_time_tokens (tenant_id, created_at);
create index one_time_tokens_by_end on identity.one_time_tokens (expires_at);

comment on table identity.one_time_tokens
is 'Tokens that are mailed and used once: to prove an address, to reset a password, to accept an invitation. One live one a user and purpose.';
comment on column identity.one_time_tokens.id is 'Time-ordered id. [internal]';
comment on column identity.one_time_tokens.tenant_id is 'The tenant of the user. [internal]';
comment on column identity.one_time_tokens.user_id is 'Whose it is. [internal]';
comment on column identity.one_time_tokens.purpose is 'verify_email, reset_password or invitation. [internal]';
comment on column identity.one_time_tokens.token_hash is 'SHA-256 of the token. [secret]';
comment on column identity.one_time_tokens.email
is 'The address that it is sent to, and proves. Of verify_email it may be a new one, which becomes the user''s when it is used. [personal]';
comment on column identity.one_time_tokens.expires_at is 'Of no use from then on. [internal]';
comment on column identity.one_time_tokens.used_at is 'When it was used; null: it was not. [internal]';
comment on column identity.one_time_tokens.created_at is 'When the row was made; the token of a user and purpose is replaced in its row. [internal]';
comment on column identity.one_time_tokens.updated_at is 'When the row last changed, as by a newer token; kept by a trigger. [internal]';

create trigger touch_updated_at before update on identity.one_time_tokens
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('identity.one_time_tokens');
