create or replace function media.put_variant(p_asset_id uuid, p_variant jsonb)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
    v_new media.variants;
    v_object uuid;
    v_id uuid;
begin
    perform base.check_read_committed();
    perform media.check_known_keys('variant', p_variant, media.variant_columns());

    select a.tenant_id into v_tenant from media.assets as a where a.id = p_asset_id;

    if v_tenant is null or not base.may_act_for(v_tenant) then
        raise exception 'no asset %', coalesce(p_asset_id::text, 'null')
            using errcode = 'RQ004', hint = 'Take asset_id from media.get_work.';
    end if;

    v_new := jsonb_populate_record(null::media.variants, p_variant);
    if v_new.object_id is not null then
        v_object := media.use_object(v_new.object_id, v_tenant);
    elsif num_nulls(p_variant ->> 'bucket', p_variant ->> 'key') = 0 then
        v_object := media.register_object(
            v_tenant, p_variant ->> 'bucket', p_variant ->> 'key', (p_variant ->> 'size_bytes')::bigint, p_variant ->> 'sha256', v_new.mime,
            v_new.job_id, v_new.attempt
        );
    end if;

    insert into media.variants as r (
        tenant_id, asset_id, profile, object_id, mime, width, height, bit_rate,
        duration_seconds, frames, frame_rate_num, frame_rate_den, video_codec, audio_codec, job_id, attempt,
        encode_seconds, speed, metadata
    )
    values (
        v_tenant, p_asset_id, v_new.profile, v_object, v_new.mime,
        v_new.width, v_new.height, v_new.bit_rate, v_new.duration_seconds, v_new.frames, v_new.frame_rate_num,
        v_new.frame_rate_den, v_new.video_codec, v_new.audio_codec, v_new.job_id, v_new.attempt,
        v_new.encode_seconds, v_new.speed, coalesce(v_new.metadata, '{}')
    )
    -- Replace every column: no fact of the old rendition may stay beside the new one.
    on conflict (asset_id, profile) do update
    set
        object_id = excluded.object_id,
        mime = excluded.mime,
        width = excluded.width,
        height = excluded.height,
        bit_rate = excluded.bit_rate,
        duration_seconds = excluded.duration_seconds,
        frames = excluded.frames,
        frame_rate_num = excluded.frame_rate_num,
        frame_rate_den = excluded.frame_rate_den,
        video_codec = excluded.video_codec,
        audio_codec = excluded.audio_codec,
        job_id = excluded.job_id,
        attempt = excluded.attempt,
        encode_seconds = excluded.encode_seconds,
        speed = excluded.speed,
        metadata = excluded.metadata
    returning r.id into v_id;

    return v_id;
exception
    when data_exception or check_violation or not_null_violation then
        raise exception 'a variant must fit the columns of media.variants: %', sqlerrm
            using errcode = 'RQ008', hint = $hint$profile and object_id are needed; see the types and checks of the columns: \d media.variants.$hint$;
end;
$$;

comment on function media.put_variant(uuid, jsonb) is $$
Make an object visible as the asset's variant of a profile; return the variant's id.

One row a profile: a second call puts the new object in the place of the old one, whose
object is swept when nothing else refers to it. Call it in the transaction that completes the job, so
that the lease guards it.

Arguments
  p_variant  {"<column>": value} with the columns of media.variant_columns(); profile and
             object_id (from media.finish_object) are needed, or bucket and key of what a
             worker of 0.1.0 has put

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  unknown asset
  RQ008  unknown key, a missing one, or a value that its column refuses
  RQ009  the key is that of other bytes
  RQ018  the object is gone, or not the tenant's
$$;
