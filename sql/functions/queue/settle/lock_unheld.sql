create or replace function queue.lock_unheld(p_job_ids uuid[], p_may_fall boolean default true)
returns uuid[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_free uuid[] := p_job_ids;
    v_videos uuid[];
    v_owners uuid[];
    v_assets uuid[];
    v_counted uuid[];
begin
    if p_may_fall then
        -- What queue.fail_blocked may fail: the videos of steps. Whatever their status: it may change until then.
        v_videos := array(
            select distinct j.video_id from queue.processing_jobs as j
            where j.id = any(p_job_ids) and j.pipeline_run is not null and j.video_id is not null and j.on_parent_failure <> 'run'
        );
        if v_videos <> '{}' then
            select array_agg(locked.id), array_agg(locked.asset_id) into v_videos, v_owners
            from (
                select v.id, v.asset_id from media.videos as v where v.id = any(v_videos) order by v.id for no key update skip locked  -- mutant: a cascade waits for a video
            ) as locked;
            v_assets := array(
                select a.id from media.assets as a where a.id = any(v_owners) order by a.id for no key update skip locked  -- mutant: a cascade waits for an asset
            );
            v_videos := array(
                select v.id from unnest(v_videos, v_owners) as v (id, asset_id) where v.asset_id is null or v.asset_id = any(v_assets)
            );
            v_free := array(
                select j.id from queue.processing_jobs as j
                where
                    j.id = any(p_job_ids)
                    and (j.pipeline_run is null or j.video_id is null or j.on_parent_failure = 'run' or j.video_id = any(v_videos))
            );
        end if;
    end if;
    v_free := array(
        select j.id from queue.processing_jobs as j where j.id = any(v_free) order by j.id for no key update skip locked
    );
    v_counted := array(
        select b.job_id from queue.blocked as b where b.job_id = any(v_free) order by b.job_id for update skip locked
    );
    return array(
        select c from unnest(v_counted) as c
        union
        select f from unnest(v_free) as f where (select true from queue.blocked as b where b.job_id = f) is null
        order by 1
    );
end;
$$;

comment on function queue.lock_unheld(uuid[], boolean) is $$
Lock those of these jobs that no other session holds, with their counters, until the end of the transaction, and return them. Waits for
nobody.

Arguments
  p_may_fall  they may be about to end because a parent has: then a step goes after its video and that one's asset, which it fails, and is left
              out where another session holds one of those
$$;
