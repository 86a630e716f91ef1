create table media.store_checks (
    bucket text primary key,
    with_content boolean not null default false,
    place text collate "C",
    listed bigint not null default 0,
    strays bigint not null default 0,
    missing bigint not null default 0,
    altered bigint not null default 0,
    example text,
    started_at timestamptz not null default base.clock(),
    finished_at timestamptz,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint counts_are_not_negative check (least(listed, strays, missing, altered) >= 0)
);

comment on table media.store_checks is 'How far the latest comparison of each store with the register has come, and what it found (reelq store check).';
comment on column media.store_checks.bucket is 'The store, as in media.objects. [internal]';
comment on column media.store_checks.with_content is 'Whether it reads all bytes. [internal]';
comment on column media.store_checks.place is 'The last key that was compared; null: none yet. [internal]';
comment on column media.store_checks.listed is 'Objects that the store named so far. [internal]';
comment on column media.store_checks.strays is 'Of them: objects that no row names. [internal]';
comment on column media.store_checks.missing is 'Rows whose object is not there; their fault says so. [internal]';
comment on column media.store_checks.altered is 'Rows whose object has another size or other bytes; their fault says so. [internal]';
comment on column media.store_checks.example is 'Key of the first stray object; null: none. [internal]';
comment on column media.store_checks.started_at is 'When this comparison began. [internal]';
comment on column media.store_checks.finished_at is 'When it had seen all; null: it was interrupted, or is under way. [internal]';
comment on column media.store_checks.created_at is 'When the row was made. [internal]';
comment on column media.store_checks.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on media.store_checks
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();
