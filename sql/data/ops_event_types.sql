-- What an application has added stays.
insert into ops.event_types as t (name, about, audience) values
('video.ready', 'All that was to be made of a video is there. Data: video_id, asset_id.', 'tenant'),
('video.failed', 'A video cannot be made. Data: video_id, asset_id, error_code.', 'tenant'),
('webhook.ping', 'A test of an endpoint, or a question whether it answers again. Data: webhook_id.', 'tenant'),
('webhook.disabled', 'An endpoint has failed for days and was switched off. Data: webhook_id, error_code, failing_since.', 'tenant'),
('job.failed', 'A job has failed for good. Data: job_id, job_type, video_id, asset_id, error_code, attempts.', 'tenant'),
('backup.failed', 'A backup could not be made, or was found not to be whole. Data: backup_id, error_code.', 'operator')
on conflict (name) do update set
    about = excluded.about,
    audience = excluded.audience
where (t.about, t.audience) is distinct from (excluded.about, excluded.audience);
