-- A row a session, so that no two write the same one. Room for its next version on the page.
create table identity.api_key_uses (
    key_id uuid not null references identity.api_keys (id) on delete cascade,
    hour timestamptz not null,
    pid integer not null,
    uses bigint not null,
    constraint api_key_uses_pkey primary key (key_id, hour, pid),
    constraint uses_are_positive check (uses > 0)
) with (fillfactor = 50);

create index api_key_uses_by_hour on identity.api_key_uses (hour);

comment on table identity.api_key_uses is 'How often a key was used in an hour: the sum over the sessions. Of keys with more than 1,000 uses an hour it is an estimate; keys without a bound are not counted.';
comment on column identity.api_key_uses.key_id is 'The key: the first one of those that came in one another''s place, see identity.api_keys.counted_as. [internal]';
comment on column identity.api_key_uses.hour is 'The hour, in UTC, by its beginning. [internal]';
comment on column identity.api_key_uses.pid is 'The server''s process that counted. [internal]';
comment on column identity.api_key_uses.uses is 'How often, as this process saw it. [internal]';
