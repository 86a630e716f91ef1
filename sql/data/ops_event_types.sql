-- What an application has added stays.
insert into ops.event_types as t (name, about, audience) values
('video.ready', 'All that was to be made of a video is there. Data: video_id, asset_id.', 'tenant'),
('video.failed', 'A video cannot be made. Data: video_id, asset_id, error_code.', 'tenant'),
('job.failed', 'A job has failed for good. Data: job_id, job_type, video_id, asset_id, error_code, attempts.', 'tenant'),
('quota.near', 'Four fifths of a month''s videos are used. Data: user_id (null: the tenant''s own), monthly_quota, used, resets_on.', 'tenant'),
('quota.spent', 'The last video of a month is used; the next is refused until resets_on. Data: user_id, monthly_quota, used, resets_on.', 'tenant'),
('key.expiring', 'An API key expires within seven days. Data: key_id, user_id (null: the tenant''s own), prefix, expires_at.', 'tenant'),
('trial.ending', 'A trial ends within three days. Data: subscription_id, user_id, plan, status, monthly_quota, trial_ends_at.', 'tenant'),
('trial.ended', 'A trial has ended and has not become a subscription. Data: as of trial.ending.', 'tenant'),
('subscription.created', 'A subscription has begun. Data: subscription_id, user_id (null: the tenant''s own), plan, status, monthly_quota, trial_ends_at.', 'tenant'),
('subscription.changed', 'A subscription has changed. Data: as of subscription.created, as it is now.', 'tenant'),
('subscription.ended', 'A subscription is over. Data: as of subscription.created.', 'tenant'),
('host.in_trouble', 'A host cannot work, and its workers claim nothing. Data: host, pool, worker_id, trouble, remedy.', 'operator'),
('host.recovered', 'No worker of a host is in trouble any more. Data: host, pool, worker_id, trouble (the last one).', 'operator'),
('worker.lost', 'A worker has not been heard of for a minute, or its process is dead; others do its jobs. Data: worker_id, host, pool, last_beat_at.', 'operator')
on conflict (name) do update set
    about = excluded.about,
    audience = excluded.audience
where (t.about, t.audience) is distinct from (excluded.about, excluded.audience);
