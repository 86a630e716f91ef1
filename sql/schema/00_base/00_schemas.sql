-- One Postgres schema a room. A table or function refers to rooms on its left only: base < identity < media < queue < ops.
create schema if not exists base;
create schema if not exists identity;
create schema if not exists media;
create schema if not exists queue;
create schema if not exists ops;

comment on schema base is 'Under all rooms: the clock, time-ordered ids, touch triggers, roles, who the caller is, the ledger of installed files.';
comment on schema identity is 'Who: tenants and their users.';
comment on schema media is 'What: assets (files as they were measured), videos (the content record of a title), variants (what was made of an asset).';
comment on schema queue is 'Work: jobs, leases, attempts, workers. Refers to identity and media, never the other way round.';
comment on schema ops is 'Upkeep: partitions made ahead and dropped by retention. Refers to all rooms, none refers to it.';
