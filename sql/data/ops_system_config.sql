-- Types, bounds, defaults and descriptions are ours; values that an operator has set stay as they are.
-- worker.<name> is the setting REELQ_<NAME> of workers with the same default: worker/settings.py; a test compares.
insert into ops.system_config as c (key, value_type, default_value, min_value, max_value, choices, description) values
('worker.poll_s', 'duration', '"1s"', 0.05, 20, null, 'How often an idle worker looks for work without a notification.'),
('worker.drain_grace_s', 'duration', '"1h"', 1, 604800, null, 'How long a drain waits for running jobs.'),
('worker.max_download_bytes', 'size', '"20GB"', 1000000, 100000000000000, null, 'Largest source that is fetched.'),
('worker.download_timeout_s', 'duration', '"1h"', 1, 604800, null, 'Longest that a fetch may take.'),
('worker.ffmpeg_preset', 'text', '"veryfast"', null, null, '{ultrafast,superfast,veryfast,faster,fast,medium,slow}', 'x264 preset of the ladder.'),
('worker.log_level', 'text', '"info"', null, null, '{debug,info,warning,error}', 'Least level that workers log.'),
('worker.link_secret', 'secret', null, null, null, null, 'Signs links to a file:// store.')
on conflict (key) do update set
    value_type = excluded.value_type, default_value = excluded.default_value, min_value = excluded.min_value, max_value = excluded.max_value,
    choices = excluded.choices, description = excluded.description,
    -- What does not fit any more gives way to the default.
    value = case when base.config_refusal(excluded.value_type, excluded.min_value, excluded.max_value, excluded.choices, c.value) is null then c.value end
where (c.value_type, c.default_value, c.min_value, c.max_value, c.choices, c.description)
is distinct from (excluded.value_type, excluded.default_value, excluded.min_value, excluded.max_value, excluded.choices, excluded.description);
