-- What an application has added stays.
insert into ops.event_types as t (name, about, audience) values
('video.ready', 'All that was to be made of a video is there. Data: video_id, asset_id.', 'tenant'),
('video.failed', 'A video cannot be made. Data: video_id, asset_id, error_code.', 'tenant'),
('job.failed', 'A job has failed for good. Data: job_id, job_type, video_id, asset_id, error_code, attempts.', 'tenant'),
('key.expiring', 'An API key ends within two weeks and has no successor; told once a key. Data: key_id, user_id, prefix, expires_at.', 'tenant'),
('upkeep.failed', 'A task of the upkeep has failed; not told again until it was done. Data: task, error, who, began_at.', 'operator'),
('upkeep.late', 'A task of the upkeep is late; told once a tick. Data: task, due_at, succeeded_at, outcome, error.', 'operator')
on conflict (name) do update set
    about = excluded.about,
    audience = excluded.audience
where (t.about, t.audience) is distinct from (excluded.about, excluded.audience);
