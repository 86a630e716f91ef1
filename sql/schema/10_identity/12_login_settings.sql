create table identity.login_settings (
    name text primary key,
    value text not null,
    description text not null,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint name_is_a_plain_word check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint value_is_given check (value <> '')
);

comment on table identity.login_settings is 'What an operator may change of log-ins, sessions and passwords, for all tenants: identity.set_login_setting checks it.';
comment on column identity.login_settings.name is 'Which setting. [public]';
comment on column identity.login_settings.value is 'An interval such as 1 day, a whole number, or yes or no. [internal]';
comment on column identity.login_settings.description is 'What it decides. [public]';
comment on column identity.login_settings.created_at is 'When the row was made. [internal]';
comment on column identity.login_settings.updated_at is 'When the row last changed. [internal]';

create trigger touch_updated_at before update on identity.login_settings
for each row execute function base.tg_touch_updated_at();
