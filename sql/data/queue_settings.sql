-- Values that an operator has changed stay as they are; the descriptions are ours.
insert into queue.settings (name, value, description) values
('archive_after', '1 day', 'A completed or cancelled job moves to the history this long after its end.'),
('archive_failed_after', '30 days', 'A failed job does so after this long; until then it can be retried.'),
('keep_deleted_videos', '90 days', 'A soft-deleted video is deleted for good this long after; until then it can be restored.'),
('keep_deleted_tenants', '30 days', 'A deleted tenant is removed with all it has this long after; until then it can be made active again.'),
('poison_strikes', '4', 'How many attempts an input may fail or kill, whatever the jobs, before all its jobs are held.'),
('tenant_priority', '5', 'The most urgent priority that a tenant may choose, beside the default of the job type.'),
('sweep_grace', '1 day', 'An object that nothing refers to is deleted this long after a sweep has first seen it so.'),
('cold_after', '1 year', 'An object that was not used for so long goes to cold storage.'),
('job_data_bytes', '262144', 'How large the job_data of a job may be, as JSON text.'),
('webhook_failures', '5', 'After so many failures in a row an endpoint counts as failing, and its deliveries wait until it answers.'),
('webhook_expires_after', '3 days', 'A delivery that has not arrived this long after its enqueue fails for good.'),
('webhook_disable_after', '5 days', 'An endpoint that has failed for this long is switched off.')
on conflict (name) do update set description = excluded.description where settings.description <> excluded.description;
