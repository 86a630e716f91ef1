create or replace function queue.steps_of_other_runs(p_job_ids uuid[])
returns uuid[]
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
    -- `offset 0`: one probe a job, whatever the statistics say.
    with steps as materialized (
        select j.id, j.video_id, j.pipeline_run
        from unnest(p_job_ids) as w (id)
        cross join lateral (
            select one.id, one.video_id, one.pipeline_run from queue.processing_jobs as one
            where one.id = w.id and one.video_id is not null and one.pipeline_run is not null
            offset 0
        ) as j
    ),
    turns as materialized (
        select
            s.video_id,
            coalesce(
                (select u.pipeline_run from queue.unfinished_steps(s.video_id) as u order by u.job_id desc limit 1),  -- mutant: a retry runs beside another run
                (array_agg(s.pipeline_run order by s.id desc))[1]
            ) as run
        from steps as s
        group by s.video_id
    )
    select coalesce(array_agg(s.id order by s.id), '{}')
    from steps as s
    inner join turns as t on t.video_id = s.video_id and t.run <> s.pipeline_run;
$$;

comment on function queue.steps_of_other_runs(uuid[]) is $$
Those of these steps whose video has another run at work, and, where steps of several runs of one video are among them, all but the
latest run's: a video has one run at a time. The caller holds the videos.
$$;
