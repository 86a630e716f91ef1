create or replace function media.fail_video(p_video_id uuid, p_code text, p_message text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_asset uuid;
    v_tenant uuid;
    v_code text;
begin
    -- Raise nothing here: the caller is settling a job, which has to succeed.
    update media.videos as v
    set
        status = 'failed',
        error_code = left(coalesce(nullif(p_code, ''), 'failed'), 50),
        error_message = left(p_message, 2000),
        processing_completed_at = base.clock()
    where
        v.id = p_video_id
        and v.status not in ('failed', 'ready')
        and v.deleted_at is null
        and base.may_act_for(v.tenant_id)
    returning v.asset_id, v.tenant_id, v.error_code into v_asset, v_tenant, v_code;
    if not found then
        return;
    end if;
    perform base.emit_event(
        'video.failed', v_tenant, 'video:' || p_video_id,
        jsonb_build_object('video_id', p_video_id, 'asset_id', v_asset, 'error_code', v_code)
    );

    update media.assets as a
    set status = 'failed'
    where a.id = v_asset and a.status in ('uploading', 'scanning', 'transcoding');
end;
$$;

comment on function media.fail_video(uuid, text, text) is $$
The video has failed for good, and its asset with it unless that is ready or quarantined.

The first reason stays: jobs that fail because another did say nothing new. A ready
video is not taken back, and an unknown or deleted one is no error: then nothing changes.

Arguments
  p_code     a stable word, cut at 50 characters; null means "failed"
  p_message  one sentence that the tenant may read, cut at 2,000 characters
$$;
