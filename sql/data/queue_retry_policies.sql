-- Rows that an operator has changed stay as they are.
insert into queue.retry_policies (job_type, error_class, code, action, base, factor, cap, jitter, charges, charges_after) values
('*', 'transient', '*', 'retry', '10 seconds', 3, '15 minutes', 'full', true, null),
('*', 'rate_limited', '*', 'retry', '1 minute', 2, '1 hour', 'full', false, null),
('*', 'permanent', '*', 'fail', '10 seconds', 2, '15 minutes', 'full', true, null),
('*', 'worker_lost', '*', 'retry', '1 second', 4, '5 minutes', 'full', false, null),
-- The trouble of host, store and database is not the job's: it is tried until that is over, and charged only when nobody has mended it for days.
('*', 'transient', 'store_away', 'retry', '10 seconds', 2, '5 minutes', 'full', false, '3 days'),
('*', 'transient', 'store_busy', 'retry', '10 seconds', 2, '5 minutes', 'full', false, '3 days'),
('*', 'transient', 'store_full', 'retry', '1 minute', 2, '15 minutes', 'full', false, '3 days'),
-- Not all of the store or disk is full: what is smaller goes on. Each attempt may make the whole of the result again, so they are rare.
('*', 'transient', 'no_store_room', 'retry', '2 minutes', 3, '1 hour', 'full', false, '3 days'),
('*', 'transient', 'no_scratch_room', 'retry', '1 minute', 2, '15 minutes', 'full', false, '3 days'),
('*', 'transient', 'store_denied', 'retry', '1 minute', 2, '15 minutes', 'full', false, '3 days'),
('*', 'transient', 'store_refused', 'retry', '1 minute', 2, '15 minutes', 'full', false, '1 day'),
('*', 'transient', 'bucket_missing', 'retry', '1 minute', 2, '15 minutes', 'full', false, '3 days'),
('*', 'transient', 'disk_full', 'retry', '1 minute', 2, '15 minutes', 'full', false, '3 days'),
('*', 'transient', 'disk_failed', 'retry', '1 minute', 2, '15 minutes', 'full', false, '1 day'),
-- A result that was damaged on its way to the disk: soon charged, since each attempt makes the whole of it again.
('*', 'transient', 'result_torn', 'retry', '1 minute', 2, '15 minutes', 'full', false, '3 hours'),
('*', 'transient', 'no_ffmpeg', 'retry', '1 minute', 2, '15 minutes', 'full', false, '3 days'),
('*', 'transient', 'worker_misconfigured', 'retry', '1 minute', 2, '15 minutes', 'full', false, '1 day'),
('*', 'transient', 'other_store', 'retry', '1 minute', 2, '15 minutes', 'full', false, '1 day'),
('*', 'transient', 'database_away', 'retry', '10 seconds', 2, '5 minutes', 'full', false, '1 day'),
('*', 'transient', 'pool_exhausted', 'retry', '10 seconds', 2, '5 minutes', 'full', false, '1 day'),
-- A source that is away comes back within hours, or never.
('*', 'transient', 'source_away', 'retry', '10 seconds', 2, '15 minutes', 'full', false, '6 hours'),
('*', 'transient', 'source_broken', 'retry', '10 seconds', 2, '15 minutes', 'full', false, '6 hours'),
('*', 'transient', 'name_unknown', 'retry', '10 seconds', 2, '15 minutes', 'full', false, '3 hours'),
-- About 5 s, 40 s, 5 min, 45 min, 6 h, then every 10 h; the setting webhook_expires_after ends it.
('deliver_webhook', 'transient', '*', 'retry', '5 seconds', 8, '10 hours', 'full', true, null),
-- A mail server that is away, says "later", or does not like this host is asked for two days; what it refuses for good is no transient error.
('send_email', 'transient', 'smtp_away', 'retry', '1 minute', 3, '1 hour', 'full', false, '2 days'),
('send_email', 'transient', 'smtp_busy', 'retry', '1 minute', 3, '1 hour', 'full', false, '2 days'),
('send_email', 'transient', 'smtp_denied', 'retry', '1 minute', 3, '1 hour', 'full', false, '2 days'),
('send_email', 'transient', 'smtp_insecure', 'retry', '1 minute', 3, '1 hour', 'full', false, '2 days'),
('send_email', 'transient', 'smtp_refused', 'retry', '1 minute', 3, '1 hour', 'full', false, '2 days'),
-- The address of a push service is a user's: a bad one is given up after some hours.
('send_push', 'transient', 'push_away', 'retry', '1 minute', 4, '6 hours', 'full', true, null),
('send_push', 'transient', 'name_unknown', 'retry', '1 minute', 4, '6 hours', 'full', true, null),
('send_push', 'transient', 'push_misconfigured', 'retry', '1 minute', 2, '15 minutes', 'full', false, '1 day')
on conflict (job_type, error_class, code) do nothing;
