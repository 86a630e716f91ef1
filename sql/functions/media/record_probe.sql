create or replace function media.record_probe(p_asset_id uuid, p_measured jsonb, p_probe jsonb)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_old media.assets;
    v_new media.assets;
begin
    perform media.check_known_keys('measured', p_measured, media.measured_columns());

    select a.* into v_old from media.assets as a where a.id = p_asset_id for no key update;

    if v_old.id is null or not base.may_act_for(v_old.tenant_id) then
        raise exception 'no asset %', coalesce(p_asset_id::text, 'null')
            using errcode = 'RQ004', hint = 'Take asset_id from media.get_work.';
    end if;

    v_new := jsonb_populate_record(v_old, p_measured);
    v_new.probe := nullif(p_probe, 'null');

    if v_new is not distinct from v_old then
        return;
    end if;

    update media.assets as a
    set
        kind = v_new.kind,
        mime = v_new.mime,
        container = v_new.container,
        essence_sha256 = v_new.essence_sha256,
        duration_seconds = v_new.duration_seconds,
        width = v_new.width,
        height = v_new.height,
        coded_width = v_new.coded_width,
        coded_height = v_new.coded_height,
        rotation = v_new.rotation,
        sar = v_new.sar,
        frame_rate_num = v_new.frame_rate_num,
        frame_rate_den = v_new.frame_rate_den,
        frames = v_new.frames,
        bit_rate = v_new.bit_rate,
        video_codec = v_new.video_codec,
        pixel_format = v_new.pixel_format,
        color_space = v_new.color_space,
        color_transfer = v_new.color_transfer,
        color_primaries = v_new.color_primaries,
        color_range = v_new.color_range,
        hdr = v_new.hdr,
        audio_codec = v_new.audio_codec,
        audio_channels = v_new.audio_channels,
        audio_sample_rate_hz = v_new.audio_sample_rate_hz,
        probe = v_new.probe
    where a.id = p_asset_id;
exception
    when data_exception or check_violation or not_null_violation then
        raise exception 'measured facts must fit the columns of media.assets: %', sqlerrm
            using errcode = 'RQ008', hint = $hint$See the types and checks of the columns: \d media.assets.$hint$;
end;
$$;

comment on function media.record_probe(uuid, jsonb, jsonb) is $$
Keep what was measured of an asset's file. The same facts again write nothing.

Arguments
  p_measured  {"<column>": value} with the columns of media.measured_columns(); null
              means measured and not there; a column that is not named keeps its value
  p_probe     ffprobe's document, {"format": {…}, "streams": [{…}]}; null removes it

Raises
  RQ004  unknown asset
  RQ008  unknown key, or a value that its column refuses
$$;
