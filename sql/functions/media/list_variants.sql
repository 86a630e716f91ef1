create or replace function media.list_variants(p_video_id uuid)
returns table (
    id uuid,
    profile text,
    bucket text,
    key text,
    size_bytes bigint,
    sha256 text,
    mime text,
    width integer,
    height integer,
    bit_rate bigint,
    duration_seconds numeric,
    frames bigint,
    frame_rate_num integer,
    frame_rate_den integer,
    video_codec text,
    audio_codec text,
    job_id uuid,
    attempt integer,
    encode_seconds numeric,
    speed numeric,
    metadata jsonb,
    created_at timestamptz,
    updated_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_asset uuid;
begin
    select v.asset_id
    into v_asset
    from media.videos as v
    where v.id = p_video_id and v.deleted_at is null and identity.may_see(v.tenant_id, v.user_id);

    if v_asset is null then
        raise exception 'no video %', coalesce(p_video_id::text, 'null')
            using errcode = 'RQ004', hint = 'Look with: reelq videos list, or media.list_videos().';
    end if;

    return query
    select
        r.id,
        r.profile,
        o.bucket,
        o.key,
        o.size_bytes,
        o.sha256,
        r.mime,
        r.width,
        r.height,
        r.bit_rate,
        r.duration_seconds,
        r.frames,
        r.frame_rate_num,
        r.frame_rate_den,
        r.video_codec,
        r.audio_codec,
        r.job_id,
        r.attempt,
        r.encode_seconds,
        r.speed,
        r.metadata,
        r.created_at,
        r.updated_at
    from media.variants as r
    inner join media.objects as o on r.object_id = o.id
    where r.asset_id = v_asset
    -- Renditions first, the largest picture on top; then the poster and other images.
    order by r.duration_seconds is null, r.video_codec is null, least(r.width, r.height) desc nulls last, r.profile;
end;
$$;

comment on function media.list_variants(uuid) is $$
What was made of a video: one row a profile, what plays first, the largest picture on top, then the poster and its like.

Raises
  RQ004  unknown or deleted video
$$;
