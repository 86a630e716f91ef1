create or replace function queue.fail_blocked(p_job_ids uuid[])
returns uuid[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_fallen uuid[];
    v_video record;
begin
    -- Lock records first and places then, each in the order of ids: see docs/design/locks.md.
    perform from queue.processing_jobs as j where j.id = any(p_job_ids) order by j.id for no key update;  -- mutant: a cascade locks as it goes
    perform from queue.blocked as b where b.job_id = any(p_job_ids) order by b.job_id for update;
    with gone as (
        delete from queue.blocked as b where b.job_id = any(p_job_ids) returning b.job_id
    )
    select coalesce(array_agg(g.job_id order by g.job_id), '{}') into v_fallen from gone as g;

    update queue.processing_jobs as j
    set
        status = case when j.on_parent_failure = 'fail' then 'failed' else 'cancelled' end,
        completed_at = v_now,
        error_class = case when j.on_parent_failure = 'fail' then 'permanent' else 'cancelled' end,
        error_code = 'parent_failed',
        error_message = 'A job that this one waits for failed or was cancelled.'
    where j.id = any(v_fallen) and j.status = 'queued';

    insert into queue.dead_letters (job_id, job_type, failed_at)
    select j.id, j.job_type, v_now
    from queue.processing_jobs as j
    where j.id = any(v_fallen) and j.status = 'failed';

    -- The steps of a pipeline may wait for jobs that are none, or whose record was deleted: then nobody else ends their video.
    for v_video in
        select distinct j.video_id as id
        from queue.processing_jobs as j
        inner join media.videos as v on v.id = j.video_id and v.status not in ('failed', 'ready')
        where j.id = any(v_fallen) and j.pipeline_run is not null
        order by 1
    loop
        perform media.fail_video(v_video.id, 'parent_failed', 'A job that a step of its pipeline waits for failed or was cancelled.');  -- mutant: a step that falls leaves its video
    end loop;
    return v_fallen;
end;
$$;

comment on function queue.fail_blocked(uuid[]) is $$
End blocked jobs, whose parent has failed, was cancelled or is gone, without their having started: failed or cancelled, as each was
enqueued. Returns those that were still blocked.
$$;
