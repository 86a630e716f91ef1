-- What an operator has changed stays: cron, late_after, enabled. A new task is due at once.
insert into ops.upkeep_tasks as t (name, place, about, cron, late_after, time_limit, owner_only) values
('relay_events', 10, 'Passes on events that no worker has passed on.', '*/5 * * * *', '30 minutes', '30 minutes', false),
('roll_up_stats', 20, 'Adds up the hours that are over, before their attempts move.', '5 * * * *', '3 hours', '2 hours', false),
('archive_jobs', 30, 'Moves jobs that are over to the history, before months of it go.', '10 * * * *', '3 hours', '2 hours', false),
('partitions', 40, 'Makes the months to come, and drops those whose retention has ended.', '45 * * * *', '6 hours', '1 hour', true),
('tidy_identity', 50, 'Tells of trials and keys that end soon, ends trials, begins monthly quotas anew, removes old counters of keys.', '15 * * * *', '3 hours', '1 hour', false),
('remove_ended', 60, 'Removes sessions, tokens and log-ins that ended long ago.', '40 * * * *', '6 hours', '1 hour', false),
('erase_requested', 70, 'Erases the users who have asked for it, and goes on with what was begun.', '20 * * * *', '1 day', '6 hours', false),
('purge_notifications', 75, 'Removes notifications that have expired, and messages that the inbox has remembered for 30 days.', '42 * * * *', '1 day', '1 hour', false),
('retention', 80, 'Removes files, deleted videos and deleted tenants whose time is over.', '10 4 * * *', '2 days', '6 hours', false),
('sweep', 82, 'Deletes the bytes that nothing refers to, and what killed uploads left.', '40 4 * * *', '2 days', '1 day', false),
('cool', 84, 'Moves objects that nobody has used for a year to cold storage, and follows those on their way.', '50 * * * *', '1 day', '6 hours', false),
('repair', 90, 'Puts jobs right that stand in the wrong place.', '50 * * * *', '3 hours', '2 hours', false),
('verify', 100, 'Checks the invariants of all jobs.', '20 2 * * *', '1 day', '6 hours', false),
('vacuum_hot', 110, 'Vacuums and analyses the tables where autovacuum is behind.', '25 * * * *', '6 hours', '1 hour', true),
('vacuum', 120, 'Vacuums and analyses all tables, gently.', '30 3 * * 0', '2 days', '2 days', true),
('prune_clock', 130, 'Removes what procrastinate has left in its tables.', '35 * * * *', '1 day', '1 hour', true),
('backup', 140, 'Dumps the database into the store of backups.', '15 1 * * *', '2 days', '1 day', true),
('prune_backups', 150, 'Removes backups that are older than they are kept.', '50 1 * * *', '2 days', '1 hour', true),
('verify_backup', 160, 'Restores the newest backup into a server of its own, and compares.', '45 4 * * 6', '9 days', '1 day', true)
on conflict (name) do update set
    place = excluded.place,
    about = excluded.about,
    time_limit = excluded.time_limit,
    owner_only = excluded.owner_only
where (t.place, t.about, t.time_limit, t.owner_only) is distinct from (excluded.place, excluded.about, excluded.time_limit, excluded.owner_only);

update ops.upkeep_tasks as t set after = o.after
from (values ('sweep', 'retention'), ('prune_backups', 'backup'), ('verify_backup', 'backup')) as o (name, after)
where t.name = o.name and t.after is distinct from o.after;
