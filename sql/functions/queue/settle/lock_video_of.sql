create or replace function queue.lock_video_of(p_job_id uuid)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_job record;
begin
    select j.tenant_id, j.video_id, j.asset_id, j.pipeline_run into v_job from queue.processing_jobs as j where j.id = p_job_id;
    if v_job.video_id is null and v_job.asset_id is null then
        return;
    end if;
    -- What the job writes on completion refers to tenant and asset: lock them before it, as whoever deletes one does.
    perform from identity.tenants as t where t.id = v_job.tenant_id for key share;  -- mutant: a job is locked before its tenant
    if v_job.video_id is null then
        perform from media.assets as a where a.id = v_job.asset_id for key share;  -- mutant: a job is locked before its asset
    elsif v_job.pipeline_run is null then
        perform from media.videos as v where v.id = v_job.video_id for key share;
    else
        perform from media.videos as v where v.id = v_job.video_id for no key update;
    end if;
end;
$$;

comment on function queue.lock_video_of(uuid) is $$
Lock the tenant and the video of a job, or its asset if it has no video, before the job itself is locked: that is the order in which they are
deleted. The step of a pipeline may end the video, so it locks it for itself. A job of neither locks nothing. See docs/design/locks.md.
$$;
