create or replace function queue.delete_video(p_video_id uuid)
returns table (jobs bigint, running bigint, variants bigint, objects bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_asset uuid;
    v_tenant uuid;
    v_before jsonb;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    perform identity.check_may_write('delete');
    select v.asset_id into v_asset from media.videos as v where v.id = p_video_id and identity.may_change(v.tenant_id, v.user_id, 'delete');  -- mutant: anybody deletes a video
    if found then
        -- The video before its asset, as whoever fails or reopens it: see docs/design/locks.md.
        perform from media.videos as v where v.id = p_video_id for update;  -- mutant: a video is deleted asset first
        if found then
            perform from media.assets as a where a.id = v_asset for update;
        end if;
    end if;
    if v_asset is null or not found then
        raise exception 'no video %', coalesce(p_video_id::text, 'null') using errcode = 'RQ004', hint = 'Look with: reelq videos list, or media.list_videos().';
    end if;
    select count(*), count(*) filter (where j.status = 'running') into jobs, running from queue.processing_jobs as j where j.video_id = p_video_id;
    jobs := jobs + (select count(*) from queue.job_history as h where h.video_id = p_video_id);
    variants := 0;
    objects := 0;
    select v.tenant_id, jsonb_strip_nulls(jsonb_build_object('id', v.id, 'title', v.title, 'user_id', v.user_id, 'status', v.status, 'created_at', v.created_at))
    into v_tenant, v_before from media.videos as v where v.id = p_video_id;
    delete from media.videos as v where v.id = p_video_id;
    -- Two videos may be about one file; then it stays for the other. So it does for a bundle that keeps it.
    if not exists (select from media.videos as v where v.asset_id = v_asset) and not media.in_live_bundle(v_asset) then  -- mutant: a deletion empties a bundle
        variants := (select count(*) from media.variants as r where r.asset_id = v_asset);
        objects := variants + (select count(a.object_id) from media.assets as a where a.id = v_asset);
        delete from media.assets as a where a.id = v_asset;
    end if;
    perform base.record_act(
        'video.deleted', 'video', p_video_id::text, v_before, p_tenant_id => v_tenant,
        p_facts => jsonb_build_object('jobs', jobs, 'running', running, 'variants', variants, 'objects', objects)
    );
    return next;
end;
$$;

comment on function queue.delete_video(uuid) is $$
Delete a video for good, with its jobs, their attempts and history, its file's record and its variants, in one transaction. Returns how many
jobs went with it (of which some may be running: their workers stop within a heartbeat, and what they still make counts for nothing), variants,
and objects. Objects go by the sweep, where nothing else refers to them. The file and its variants stay while another video or a live bundle has the file.
queue.soft_delete_video is the one that can be undone.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such video
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
  RQ016  a viewer, who may only look, or the key of this session has no scope delete
$$;
