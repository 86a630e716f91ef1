create or replace function queue.lock_owners_of(p_job_ids uuid[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_tenants uuid[];
    v_steps uuid[];
    v_videos uuid[];
    v_assets uuid[];
begin
    select
        array_agg(j.tenant_id), array_agg(j.video_id) filter (where j.pipeline_run is not null), array_agg(j.video_id) filter (where j.pipeline_run is null),
        array_agg(j.asset_id) filter (where j.video_id is null)
    into v_tenants, v_steps, v_videos, v_assets
    from queue.processing_jobs as j where j.id = any(p_job_ids) and (j.video_id is not null or j.asset_id is not null);
    if v_tenants is null then
        return;
    end if;
    perform from identity.tenants as t where t.id = any(v_tenants) order by t.id for key share;  -- mutant: a batch locks videos before tenants
    perform from media.videos as v where v.id = any(v_steps) order by v.id for no key update;
    perform from media.videos as v where v.id = any(v_videos) order by v.id for key share;
    perform from media.assets as a where a.id = any(v_assets) order by a.id for key share;
end;
$$;

comment on function queue.lock_owners_of(uuid[]) is $$
Lock the tenants, the videos and the assets of jobs that a worker ends, before the jobs themselves are locked: queue.lock_video_of for many. Most
jobs have neither: one look tells.
$$;
