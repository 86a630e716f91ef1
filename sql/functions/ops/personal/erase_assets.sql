create or replace function ops.erase_assets(p_erasure_id uuid, p_asset_ids uuid[], p_objects integer default 0, p_kept integer default 0)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_erasure ops.erasures := ops.lock_erasure(p_erasure_id);
    v_videos uuid[];
    v_assets uuid[];
    v_jobs uuid[];
    v_archived uuid[];
    v_objects uuid[];
    v_counts jsonb;
begin
    -- Videos before their assets, as whoever deletes one: docs/design/locks.md.
    perform from media.videos as v where v.asset_id = any(p_asset_ids) and v.user_id = v_erasure.user_id order by v.id for update;
    perform from media.assets as a where a.id = any(p_asset_ids) order by a.id for update;
    v_assets := array(
        select a.id
        from media.assets as a
        where
            a.id = any(p_asset_ids) and (a.owner_user_id is null or a.owner_user_id = v_erasure.user_id)
            and (a.owner_user_id is not null or exists (select from media.videos as v where v.asset_id = a.id and v.user_id = v_erasure.user_id))
            and not exists (select from media.videos as o where o.asset_id = a.id and o.user_id is distinct from v_erasure.user_id)
    );
    v_videos := array(select v.id from media.videos as v where v.asset_id = any(v_assets));
    v_jobs := array(
        select j.id from queue.processing_jobs as j where j.asset_id = any(v_assets)
        union
        select j.id from queue.processing_jobs as j where j.video_id = any(v_videos)
    );
    v_archived := array(
        select h.id from queue.job_history as h where h.asset_id = any(v_assets)
        union
        select h.id from queue.job_history as h where h.video_id = any(v_videos)
    );
    v_counts := ops.count_jobs_of(v_jobs, v_archived) || jsonb_build_object(
        'media.videos', cardinality(v_videos), 'media.assets', cardinality(v_assets),
        'media.variants', (select count(*) from media.variants as r where r.asset_id = any(v_assets)),
        'objects', p_objects, 'objects kept', p_kept
    );
    -- One that began meanwhile may have written new objects: back to where jobs are cancelled. What went of the store is gone.
    if exists (select from queue.leases as l where l.job_id = any(v_jobs)) then  -- mutant: files go under a running job
        update ops.erasures as e set step = 1 where e.id = p_erasure_id;
        return ops.count_erased(p_erasure_id, jsonb_build_object('objects', p_objects, 'objects kept', p_kept));
    end if;
    v_objects := array(select f from ops.objects_of_assets(v_assets) as f);
    -- The triggers of both tables take the jobs along, and what is in the history.
    delete from media.videos as v where v.id = any(v_videos);
    delete from media.assets as a where a.id = any(v_assets);
    delete from media.objects as o where o.id = any(v_objects) and o.state = 'deleting';
    return ops.count_erased(p_erasure_id, v_counts);
end;
$$;

comment on function ops.erase_assets(uuid, uuid[], integer, integer) is $$
Delete files of an erasure whose bytes are gone, with their variants, videos, jobs, attempts and history, in one transaction. A file that is not, or no longer, the user's alone stays.
Returns how many rows and objects that were.

Arguments
  p_asset_ids  from ops.objects_to_erase
  p_objects    how many objects were deleted, for the certificate
  p_kept       how many below their prefixes were not, because other files are made of them too

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no erasure that has begun
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
