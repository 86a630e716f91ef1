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
('key.expiring', 'An API key ends within two weeks and has no successor; told once a key. Data: key_id, user_id, prefix, expires_at.', 'tenant'),
('upkeep.failed', 'A task of the upkeep has failed; not told again until it was done. Data: task, error, who, began_at.', 'operator'),
('upkeep.late', 'A task of the upkeep is late; told once a tick. Data: task, due_at, succeeded_at, outcome, error.', 'operator')
on conflict (name) do update set
    about = excluded.about,
    audience = excluded.audience
where (t.about, t.audience) is distinct from (excluded.about, excluded.audience);
