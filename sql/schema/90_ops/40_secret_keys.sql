create table ops.secret_keys (
    key_id text primary key,
    check_value text not null,
    is_current boolean not null default false,
    created_at timestamptz not null default base.clock(),
    current_since timestamptz,
    forgotten_at timestamptz,
    constraint key_id_is_short_and_plain check (key_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    constraint check_value_has_16_hex_digits check (check_value ~ '^[0-9a-f]{16}$'),
    constraint current_has_a_time_and_is_not_forgotten check (not is_current or (current_since is not null and forgotten_at is null))
);

create unique index secret_keys_one_current on ops.secret_keys (is_current) where is_current;

comment on table ops.secret_keys is $$
The keys that secrets are sealed under, by their public ids: which one is current for all hosts, which ones are gone. The keys
themselves never reach the database: they are in files of the hosts. Written by ops.set_current_secret_key and ops.forget_secret_key.
$$;
comment on column ops.secret_keys.key_id is 'The id that stands in each envelope (base.envelope_key) and in the key file. [public]';
comment on column ops.secret_keys.check_value is $$The first 8 bytes of HMAC-SHA-256 of fixed words under the key, in hex: tells whether two hosts mean the same key, and nothing else of it. [internal]$$;
comment on column ops.secret_keys.is_current is 'Whether hosts seal under this key; of one key at most. [internal]';
comment on column ops.secret_keys.created_at is 'When the database first heard of the key. [internal]';
comment on column ops.secret_keys.current_since is 'When it last became current; null: it never was. [internal]';
comment on column ops.secret_keys.forgotten_at is 'When its removal from the key file was allowed; null: it is in use or may be. [internal]';
