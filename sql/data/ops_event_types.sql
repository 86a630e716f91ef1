-- What an application has added stays; and so do who is notified and by which channels, which operators choose.
insert into ops.event_types as t (name, about, audience, notifies, title, message, action_url, action_label, channels) values
(
    'video.ready', 'All that was to be made of a video is there. Data: video_id, asset_id.', 'tenant',
    'owner', 'Ready: {video}', 'The video "{video}" is ready.', '/videos/{video_id}', 'Open the video', '{in_app,push}'
),
(
    'video.failed', 'A video cannot be made. Data: video_id, asset_id, error_code.', 'tenant',
    'owner_or_admins', 'Failed: {video}', 'The video "{video}" cannot be made: {error_code}.', '/videos/{video_id}', 'Look at the video', '{in_app,email,push}'
),
-- Nobody: what a job was for is told by its video, and a thousand jobs that fail are one mishap.
(
    'job.failed', 'A job has failed for good. Data: job_id, job_type, video_id, asset_id, error_code, attempts.', 'tenant',
    null, 'A job failed: {job_type}', 'The job {job_id} of type {job_type} has failed for good: {error_code}.', null, null, '{in_app}'
),
-- Endpoints and operators' affairs are told by webhooks and lists alone.
(
    'webhook.ping', 'A test of an endpoint, or a question whether it answers again. Data: webhook_id.', 'tenant',
    null, null, null, null, null, '{in_app}'
),
(
    'webhook.disabled', 'An endpoint has failed for days and was switched off. Data: webhook_id, error_code, failing_since.', 'tenant',
    'admins', 'A webhook was switched off', 'The endpoint {webhook_id} has failed since {failing_since} ({error_code}) and was switched off. Events are kept for 30 days; they can be sent again.', null, null, '{in_app,email}'
),
(
    'backup.failed', 'A backup could not be made, or was found not to be whole. Data: backup_id, error_code.', 'operator',
    null, null, null, null, null, '{in_app}'
),
(
    'notice.sent', 'Somebody was sent a notice by hand (ops.send_notification), or by an application that has no type of its own. Is no event.', 'tenant',
    null, null, null, null, null, '{in_app,email,push}'
),
(
    'quota.near', 'Four fifths of a month''s videos are used. Data: user_id (null: the tenant''s own), monthly_quota, used, resets_on.', 'tenant',
    'owner_or_admins', 'Most of this month is used', '{used} of {monthly_quota} videos of this month are used. It begins anew on {resets_on}.', null, null, '{in_app,email}'
),
(
    'quota.spent', 'The last video of a month is used; the next is refused until resets_on. Data: user_id, monthly_quota, used, resets_on.', 'tenant',
    'owner_or_admins', 'This month is used up', 'All {monthly_quota} videos of this month are used. It begins anew on {resets_on}.', null, null, '{in_app,email}'
),
(
    'key.expiring', 'An API key expires within seven days. Data: key_id, user_id (null: the tenant''s own), prefix, expires_at.', 'tenant',
    'owner_or_admins', 'An API key expires', 'The key {prefix} expires at {expires_at}. Rotate it before.', null, null, '{in_app,email}'
),
(
    'trial.ending', 'A trial ends within three days. Data: subscription_id, user_id, plan, status, monthly_quota, trial_ends_at.', 'tenant',
    'owner_or_admins', 'Your trial ends', 'The trial of {plan} ends at {trial_ends_at}.', null, null, '{in_app,email}'
),
(
    'trial.ended', 'A trial has ended and has not become a subscription. Data: as of trial.ending.', 'tenant',
    'owner_or_admins', 'Your trial has ended', 'The trial of {plan} ended at {trial_ends_at}.', null, null, '{in_app,email}'
),
(
    'subscription.created', 'A subscription has begun. Data: subscription_id, user_id (null: the tenant''s own), plan, status, monthly_quota, trial_ends_at.', 'tenant',
    null, null, null, null, null, '{in_app}'
),
(
    'subscription.changed', 'A subscription has changed. Data: as of subscription.created, as it is now.', 'tenant',
    null, null, null, null, null, '{in_app}'
),
(
    'subscription.ended', 'A subscription is over. Data: as of subscription.created.', 'tenant',
    null, null, null, null, null, '{in_app}'
),
(
    'host.in_trouble', 'A host cannot work, and its workers claim nothing. Data: host, pool, worker_id, trouble, remedy.', 'operator',
    null, null, null, null, null, '{in_app}'
),
(
    'host.recovered', 'No worker of a host is in trouble any more. Data: host, pool, worker_id, trouble (the last one).', 'operator',
    null, null, null, null, null, '{in_app}'
),
(
    'worker.lost', 'A worker has not been heard of for a minute, or its process is dead; others do its jobs. Data: worker_id, host, pool, last_beat_at.', 'operator',
    null, null, null, null, null, '{in_app}'
),
(
    'upkeep.failed', 'A task of the upkeep has failed; not told again until it was done. Data: task, error, who, began_at.', 'operator',
    null, null, null, null, null, '{in_app}'
),
(
    'upkeep.late', 'A task of the upkeep is late; told once a tick. Data: task, due_at, succeeded_at, outcome, error.', 'operator',
    null, null, null, null, null, '{in_app}'
)
on conflict (name) do update set
    about = excluded.about,
    audience = excluded.audience
where (t.about, t.audience) is distinct from (excluded.about, excluded.audience);
