-- Rows that an operator has changed stay as they are.
insert into queue.retry_policies (job_type, error_class, code, action, base, factor, cap, jitter, charges) values
('*', 'transient', '*', 'retry', '10 seconds', 3, '15 minutes', 'full', true),
('*', 'rate_limited', '*', 'retry', '1 minute', 2, '1 hour', 'full', false),
('*', 'permanent', '*', 'fail', '10 seconds', 2, '15 minutes', 'full', true),
('*', 'worker_lost', '*', 'retry', '1 second', 4, '5 minutes', 'full', false),
-- The host's or the store's trouble is not the job's: it is tried until that is over.
('*', 'transient', 'store_away', 'retry', '10 seconds', 2, '5 minutes', 'full', false),
('*', 'transient', 'store_busy', 'retry', '10 seconds', 2, '5 minutes', 'full', false),
('*', 'transient', 'store_full', 'retry', '1 minute', 2, '15 minutes', 'full', false),
('*', 'transient', 'store_denied', 'retry', '1 minute', 2, '15 minutes', 'full', false),
('*', 'transient', 'bucket_missing', 'retry', '1 minute', 2, '15 minutes', 'full', false),
('*', 'transient', 'disk_full', 'retry', '1 minute', 2, '15 minutes', 'full', false),
('*', 'transient', 'no_ffmpeg', 'retry', '1 minute', 2, '15 minutes', 'full', false)
on conflict (job_type, error_class, code) do nothing;
