create or replace function media.measured_columns()
returns text[]
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return array[
        'kind', 'mime', 'container', 'essence_sha256', 'duration_seconds', 'width', 'height', 'coded_width',
        'coded_height', 'rotation', 'sar', 'frame_rate_num', 'frame_rate_den', 'frames', 'bit_rate', 'video_codec',
        'pixel_format', 'color_space', 'color_transfer', 'color_primaries', 'color_range', 'hdr', 'audio_codec',
        'audio_channels', 'audio_sample_rate_hz'
    ];
end;
$$;

comment on function media.measured_columns() is $$
The columns of media.assets that measuring fills: what media.record_probe accepts
and media.get_work returns as `measured`.
$$;
