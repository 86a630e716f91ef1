create or replace function media.video_rank(p_status text)
returns integer
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return array_position(
        array['pending', 'downloading', 'processing', 'compressing', 'uploading', 'ready'], p_status
    );
end;
$$;

comment on function media.video_rank(text) is $$
How far along a video's status is: pending 1, downloading, processing, compressing,
uploading, ready 6. Null for failed and for what is no status.
$$;
