insert into queue.pipelines (name, description) values
('standard', 'Download, probe, then poster and ladder side by side, then ready.')
on conflict (name) do nothing;

-- Steps of a pipeline that exists are left alone: an operator may have changed them.
insert into queue.pipeline_steps (pipeline, step, job_type, after)
select s.pipeline, s.step, s.job_type, s.after::text[]
from (
    values
    ('standard', 'download', 'download_video', '{}'),
    ('standard', 'probe', 'extract_metadata', '{download}'),
    ('standard', 'poster', 'generate_thumbnail', '{probe}'),
    ('standard', 'ladder', 'video_transcode', '{probe}'),
    ('standard', 'ready', 'finish_video', '{poster,ladder}')
) as s (pipeline, step, job_type, after)
where not exists (select from queue.pipeline_steps as known where known.pipeline = s.pipeline);
