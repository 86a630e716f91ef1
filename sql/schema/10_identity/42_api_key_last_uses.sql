-- Apart from the key, which whoever revokes it must never have to wait for.
create table identity.api_key_last_uses (
    key_id uuid primary key references identity.api_keys (id) on delete cascade,
    used_at timestamptz
) with (fillfactor = 50);

comment on table identity.api_key_last_uses is 'When a key was last used, to five minutes; a row a key, made with it.';
comment on column identity.api_key_last_uses.key_id is 'The key. [internal]';
comment on column identity.api_key_last_uses.used_at is 'When; null: never. Later uses within five minutes are not entered. [internal]';
