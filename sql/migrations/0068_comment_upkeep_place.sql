-- back: nothing to do: a comment
comment on column queue.upkeep.place is 'Where a chore that walks goes on: archive the last id that it looked at, repair the same, retention the last file, stats the first hour that is not rolled up; null: from the start.';
