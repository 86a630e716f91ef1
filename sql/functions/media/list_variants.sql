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
set search_path = ''
as $$
declare
    v_asset uuid;
begin
    select video.asset_id
    into v_asset
    from media.videos as video
    where video.id = p_video_id and video.deleted_at is null and base.may_act_for(video.tenant_id);

    if v_asset is null then
        raise exception 'unknown video: %', p_video_id
            using
                errcode = 'RQ004',
                hint = 'See: select id, title from media.list_videos().';
    end if;

    return query
    select
        variant.id,
        variant.profile,
        variant.bucket,
        variant.key,
        variant.size_bytes,
        variant.sha256,
        variant.mime,
        variant.width,
        variant.height,
        variant.bit_rate,
        variant.duration_seconds,
        variant.frames,
        variant.frame_rate_num,
        variant.frame_rate_den,
        variant.video_codec,
        variant.audio_codec,
        variant.job_id,
        variant.attempt,
        variant.encode_seconds,
        variant.speed,
        variant.metadata,
        variant.created_at,
        variant.updated_at
    from media.variants as variant
    where variant.asset_id = v_asset
    -- What plays first, the largest picture on top; then the poster and its like.
    order by variant.duration_seconds is null, variant.video_codec is null, least(variant.width, variant.height) desc nulls last, variant.profile;
end;
$$;

comment on function media.list_variants(uuid) is $$
What was made of a video: one row a profile, what plays first, the largest picture on top, then the poster and its like.

Raises
  RQ004  unknown or deleted video
$$;
