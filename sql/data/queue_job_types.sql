-- Rows that an operator has changed stay as they are.
insert into queue.job_types (job_type, description, priority, lease, time_limit, stall_limit, weight, needs) values
('download_video', 'Fetch a source and store it as the original.', 4, '60 seconds', '2 hours', '5 minutes', 1, '{}'),
('extract_metadata', 'Measure the original with ffprobe.', 3, '60 seconds', '15 minutes', null, 1, '{}'),
('generate_thumbnail', 'Choose a good frame and store it as the poster.', 3, '60 seconds', '15 minutes', null, 1, '{}'),
('video_transcode', 'Encode all renditions of a video in one run.', 5, '60 seconds', '12 hours', '5 minutes', 1, '{}'),
('finish_video', 'Check that the pipeline made what it promised, and mark the video ready.', 2, '60 seconds', '5 minutes', null, 1, '{}'),
('no_op', 'Do nothing: for tests and measurements.', 5, '60 seconds', '5 minutes', null, 1, '{}')
on conflict (job_type) do nothing;

insert into queue.job_types (job_type, description, priority, max_attempts, max_crashes, lease, time_limit, batch, tells_failure, is_internal) values
('deliver_webhook', 'POST an event to an endpoint.', 4, 100, 20, '60 seconds', '2 minutes', 100, false, true),
('probe_webhook', 'Ask an endpoint that fails whether it answers again.', 4, 100, 20, '60 seconds', '2 minutes', 10, false, true)
on conflict (job_type) do nothing;

-- Small I/O: some at once for a slot. Hosts that have the settings for it offer what they need by themselves.
insert into queue.job_types (job_type, description, priority, max_attempts, lease, time_limit, needs, batch, tells_failure, is_internal) values
('send_email', 'Mail a notification to its user.', 4, 5, '60 seconds', '2 minutes', '{smtp}', 10, false, true),
('send_push', 'Push a notification to a browser of its user.', 4, 5, '60 seconds', '1 minute', '{web_push}', 10, false, true)
on conflict (job_type) do nothing;

-- Written by `python -m tools.job_types` from the Args of worker/handlers/: not an operator's to change.
update queue.job_types as t
set options_schema = s.options_schema::jsonb, requires = s.requires
from (
    values
    ('deliver_webhook', null, '{"type": "object", "properties": {"webhook_id": {"type": "string", "format": "uuid"}, "event": {"type": "object"}}, "required": ["webhook_id", "event"], "additionalProperties": false, "examples": [{"webhook_id": "01976b1e-5a3c-7d4e-8f00-0123456789ab", "event": {"id": "01976b1e-5a3c-7d4e-8f00-0123456789ac", "type": "video.ready", "timestamp": "2026-11-27T11:07:34.180258Z", "data": {}}}]}'),
    ('download_video', 'video', '{"type": "object", "properties": {"refetch": {"type": "boolean", "description": "Fetch the source also when the original is stored already.", "default": true}}, "required": [], "additionalProperties": false, "examples": [{"refetch": true}]}'),
    ('extract_metadata', 'video', '{"type": "object", "properties": {}, "required": [], "additionalProperties": false, "examples": [{}]}'),
    ('finish_video', 'video', '{"type": "object", "properties": {}, "required": [], "additionalProperties": false, "examples": [{}]}'),
    ('generate_thumbnail', 'video', '{"type": "object", "properties": {}, "required": [], "additionalProperties": false, "examples": [{}]}'),
    ('no_op', null, '{"type": "object", "properties": {"sleep_s": {"type": "number", "description": "Seconds to wait.", "minimum": 0, "maximum": 86400, "default": 0.0}}, "required": [], "additionalProperties": false, "examples": [{"sleep_s": 3}]}'),
    ('probe_webhook', null, '{"type": "object", "properties": {"webhook_id": {"type": "string", "format": "uuid"}}, "required": ["webhook_id"], "additionalProperties": false, "examples": [{"webhook_id": "01976b1e-5a3c-7d4e-8f00-0123456789ab"}]}'),
    ('send_email', null, '{"type": "object", "properties": {"notification_id": {"type": ["string", "null"], "format": "uuid", "description": "A row of ops.notifications.", "default": null}, "token": {"type": ["string", "null"], "enum": ["verify_email", "reset_password", "invitation", null], "description": "A token of identity for the job''s user; made when it is mailed.", "default": null}}, "required": [], "additionalProperties": false, "examples": [{"notification_id": "01976b1e-5a3c-7d4e-8f00-0123456789ab"}]}'),
    ('send_push', null, '{"type": "object", "properties": {"notification_id": {"type": "string", "format": "uuid", "description": "A row of ops.notifications."}, "subscription_id": {"type": "string", "format": "uuid", "description": "A row of ops.push_subscriptions."}}, "required": ["notification_id", "subscription_id"], "additionalProperties": false, "examples": [{"notification_id": "01976b1e-5a3c-7d4e-8f00-0123456789ab", "subscription_id": "01976b1e-5a3c-7d4e-8f00-ba9876543210"}]}'),
    ('video_transcode', 'video', '{"type": "object", "properties": {"renditions": {"anyOf": [{"type": "array", "items": {"type": "string", "enum": ["1080p", "720p", "480p", "360p", "240p"]}, "minItems": 1, "maxItems": 5}, {"type": "string", "pattern": "^(?:(1080p|720p|480p|360p|240p)(,(1080p|720p|480p|360p|240p))*)$", "title": "some of 1080p, 720p, 480p, 360p, 240p, joined by commas"}, {"type": "null"}], "description": "Which of 1080p, 720p, 480p, 360p, 240p, as a list or with commas; null: all that the source fills.", "default": null}, "crf": {"type": ["integer", "null"], "minimum": 15, "maximum": 40, "description": "Quality: 15 (large files) to 40 (ugly); null: 23.", "default": null}}, "required": [], "additionalProperties": false, "examples": [{"renditions": ["720p", "360p"], "crf": 21}]}')
) as s (job_type, requires, options_schema)
where t.job_type = s.job_type and (t.options_schema, t.requires) is distinct from (s.options_schema::jsonb, s.requires);
