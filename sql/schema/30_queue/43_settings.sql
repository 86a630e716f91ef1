create table queue.settings (
    name text primary key,
    value text not null,
    description text not null,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint name_is_a_plain_word check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint value_is_given check (value <> '')
);

comment on table queue.settings is 'What an operator may change of the queue as a whole: queue.set_setting checks it. Workers'' settings are in their environment.';
comment on column queue.settings.name is 'Which setting.';
comment on column queue.settings.value is 'An interval such as 1 day, or a whole number.';
comment on column queue.settings.description is 'What it decides.';
comment on column queue.settings.created_at is 'When the row was made.';
comment on column queue.settings.updated_at is 'When the row last changed.';

create trigger touch_updated_at before update on queue.settings
for each row execute function base.tg_touch_updated_at();
