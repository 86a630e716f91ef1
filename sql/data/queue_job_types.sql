-- Rows that an operator has changed stay as they are.
insert into queue.job_types (job_type, description, priority, lease, time_limit, stall_limit, weight) values
('download_video', 'Fetch a source and store it as the original.', 4, '60 seconds', '2 hours', '5 minutes', 1),
('extract_metadata', 'Measure the original with ffprobe.', 3, '60 seconds', '15 minutes', null, 1),
('generate_thumbnail', 'Choose a good frame and store it as the poster.', 3, '60 seconds', '15 minutes', null, 1),
('video_transcode', 'Encode all renditions of a video in one run.', 5, '60 seconds', '12 hours', '5 minutes', 1),
('finish_video', 'Check that the pipeline made what it promised, and mark the video ready.', 2, '60 seconds', '5 minutes', null, 1),
('no_op', 'Do nothing: for tests and measurements.', 5, '60 seconds', '5 minutes', null, 1)
on conflict (job_type) do nothing;
