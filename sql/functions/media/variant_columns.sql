create or replace function media.variant_columns()
returns text[]
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return array[
        'profile', 'object_id', 'bucket', 'key', 'size_bytes', 'sha256', 'mime', 'width', 'height', 'bit_rate', 'duration_seconds',
        'frames', 'frame_rate_num', 'frame_rate_den', 'video_codec', 'audio_codec', 'job_id', 'attempt',
        'encode_seconds', 'speed', 'metadata'
    ];
end;
$$;

comment on function media.variant_columns() is $$
What media.put_variant accepts as keys: the columns of media.variants that a handler knows, and, in the
place of object_id, those of an object that no row of media.objects stands for yet.
$$;
