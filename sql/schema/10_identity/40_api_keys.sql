create table identity.api_keys (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    user_id uuid references identity.users (id) on delete cascade,
    name text not null,
    prefix text not null,
    key_hash bytea not null,
    scopes text[] not null default '{read,write}',
    hourly_limit integer default 1000,
    expires_at timestamptz,
    revoked_at timestamptz,
    replaced_by uuid references identity.api_keys (id) on delete set null deferrable initially deferred,
    counted_as uuid,
    created_by text not null,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    expiry_told timestamptz,
    constraint name_has_1_to_100_characters check (length(name) between 1 and 100),
    constraint prefix_has_8_characters check (length(prefix) = 8),
    constraint key_hash_is_sha256 check (octet_length(key_hash) = 32),
    constraint scopes_are_known check (scopes <@ '{read,write,delete,admin}' and cardinality(scopes) > 0),
    constraint hourly_limit_is_positive check (hourly_limit > 0),
    constraint created_by_has_1_to_100_characters check (length(created_by) between 1 and 100)
);

create unique index api_keys_by_hash on identity.api_keys (key_hash);
create unique index api_keys_one_name on identity.api_keys (tenant_id, user_id, name) nulls not distinct where revoked_at is null and replaced_by is null;
create index api_keys_by_tenant on identity.api_keys (tenant_id, id);
create index api_keys_by_user on identity.api_keys (user_id, id);
create index api_keys_by_counter on identity.api_keys (coalesce(counted_as, id));
create index api_keys_by_expiry on identity.api_keys (expires_at) where revoked_at is null and replaced_by is null and expiry_told is distinct from expires_at;
create index api_keys_by_successor on identity.api_keys (replaced_by);

comment on table identity.api_keys is 'Keys by which programs act for a tenant, or for a user of it. The key itself is shown once, when it is made, and kept nowhere.';
comment on column identity.api_keys.id is 'Time-ordered id. [internal]';
comment on column identity.api_keys.tenant_id is 'The tenant that it acts for. [internal]';
comment on column identity.api_keys.user_id is 'The user that it acts for; null: for the tenant itself. [internal]';
comment on column identity.api_keys.name is 'What people call it; unique among the live keys of its owner. [personal]';
comment on column identity.api_keys.prefix is 'The 8 characters of it after sk_live_, by which people tell keys apart. [internal]';
comment on column identity.api_keys.key_hash is 'SHA-256 of the whole key; nobody reads it. [secret]';
comment on column identity.api_keys.scopes is 'What it may do: read, write, delete, admin (all of these, and keys and configuration). [internal]';
comment on column identity.api_keys.hourly_limit is 'How often an hour it may be used; null: as often as they like. [internal]';
comment on column identity.api_keys.expires_at is 'From when on it is refused; null: never. [internal]';
comment on column identity.api_keys.revoked_at is 'When it was taken back; null while it is good. [internal]';
comment on column identity.api_keys.replaced_by is 'The key that came in its place; null: none. It is good until expires_at all the same. [internal]';
comment on column identity.api_keys.counted_as is 'Whose uses its own are counted with: the first key which it came in the place of; null: its own. One hourly limit for them all. [internal]';
comment on column identity.api_keys.created_by is 'Who made it: user:<id>, key:<id> or the name of a role. [internal]';
comment on column identity.api_keys.created_at is 'When the row was made. [internal]';
comment on column identity.api_keys.updated_at is 'When the row last changed; kept by a trigger. Uses do not change it. [internal]';
comment on column identity.api_keys.expiry_told is 'The expires_at of which its owner was told (event key.expiring); null: of none. [internal]';

create trigger touch_updated_at before update on identity.api_keys
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('identity.api_keys');
