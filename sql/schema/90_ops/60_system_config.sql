create table ops.system_config (
    key text primary key,
    value_type text not null,
    value jsonb,
    sealed_value bytea,
    default_value jsonb,
    min_value numeric,
    max_value numeric,
    choices text[],
    description text not null,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint key_is_words_with_dots check (key ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$' and length(key) <= 255),
    constraint value_type_is_known check (value_type in ('boolean', 'integer', 'number', 'text', 'duration', 'size', 'json', 'secret')),
    constraint value_is_of_its_type check (base.config_refusal(value_type, min_value, max_value, choices, value) is null),
    constraint default_is_of_its_type check (base.config_refusal(value_type, min_value, max_value, choices, default_value) is null),
    constraint value_is_not_json_null check (jsonb_typeof(value) <> 'null' and jsonb_typeof(default_value) <> 'null'),
    constraint secret_is_sealed check (value_type = 'secret' or sealed_value is null),
    constraint sealed_value_is_an_envelope check (base.is_envelope(sealed_value)),
    constraint bounds_are_in_order check (min_value <= max_value)
);

create index system_config_by_secret_key on ops.system_config (base.envelope_key(sealed_value), key) where sealed_value is not null;

comment on table ops.system_config is 'What an operator may change of all workers while they run: ops.set_config. On a host whose environment says something else, the environment wins. An application may add keys of its own.';
comment on column ops.system_config.key is 'What it is about, a dot, which setting, as worker.poll_s. [public]';
comment on column ops.system_config.value_type is 'boolean, integer, number, text, duration ("15m", with a unit of s, m, h, d), size ("20GB", in bytes), json, secret. [public]';
comment on column ops.system_config.value is 'JSON: what an operator has chosen, of value_type; a duration or size as a string; null: default_value holds. [internal]';
comment on column ops.system_config.sealed_value is 'Sealed envelope (see base.is_envelope) of a secret; null: none is set. [secret]';
comment on column ops.system_config.default_value is 'JSON: what holds while nobody has chosen; null: nothing. [public]';
comment on column ops.system_config.min_value is 'The smallest that the value may be: a number, seconds, bytes, or characters of a text; null: no bound. [public]';
comment on column ops.system_config.max_value is 'The largest that it may be, likewise. [public]';
comment on column ops.system_config.choices is 'The words that a text may be; null: any. [public]';
comment on column ops.system_config.description is 'What it decides. [public]';
comment on column ops.system_config.created_at is 'When the row was made. [internal]';
comment on column ops.system_config.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on ops.system_config
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();
