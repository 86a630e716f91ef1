create table identity.login_salts (
    id integer primary key default 1,
    secret bytea not null default sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
    created_at timestamptz not null default base.clock(),
    constraint there_is_one_row check (id = 1),
    constraint secret_has_32_bytes check (octet_length(secret) = 32)
);

comment on table identity.login_salts is 'What the salts of accounts that do not exist are made of, so that an address gets the same one each time; see identity.begin_login.';
comment on column identity.login_salts.id is 'Always 1. [internal]';
comment on column identity.login_salts.secret is 'Random, of this database. Nobody reads it. [secret]';
comment on column identity.login_salts.created_at is 'When the row was made. [internal]';
