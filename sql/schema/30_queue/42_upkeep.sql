create table queue.upkeep (
    task text primary key,
    last_run_at timestamptz,
    grace interval not null default '30 seconds',
    created_at timestamptz not null default base.clock(),
    place text,
    repairs bigint not null default 0
) with (fillfactor = 50);

comment on table queue.upkeep is 'When the maintenance that workers and timers do for the queue was last done.';
comment on column queue.upkeep.task is 'Name of the chore.';
comment on column queue.upkeep.last_run_at is 'When it last ran; null: never.';
comment on column queue.upkeep.grace is 'rescue: after a longer gap than this the fleet was cut off, so leases are extended before any is taken back.';
comment on column queue.upkeep.created_at is 'When the row was made.';
comment on column queue.upkeep.place is 'Where a chore that walks goes on: archive the last id that it looked at, repair the same, retention the last file, stats the first hour that is not rolled up; null: from the start.';
comment on column queue.upkeep.repairs is 'repair: places that queue.repair had to mend. Stays 0 unless somebody or a bug wrote past the functions; set it to 0 once you know why.';
