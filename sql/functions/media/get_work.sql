create or replace function media.get_work(p_video_id uuid)
returns table (
    video_id uuid,
    asset_id uuid,
    tenant_id uuid,
    source_url text,
    original_filename text,
    bucket text,
    key text,
    size_bytes bigint,
    sha256 text,
    mime text,
    video_status text,
    asset_status text,
    probe jsonb,
    measured jsonb
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        v.id,
        a.id,
        v.tenant_id,
        a.source_url,
        a.original_filename,
        o.bucket,
        o.key,
        o.size_bytes,
        o.sha256,
        a.mime,
        v.status,
        a.status,
        a.probe,
        (
            select coalesce(jsonb_object_agg(fact.key, fact.value), '{}')
            from jsonb_each(to_jsonb(a)) as fact (key, value)
            where fact.key = any(media.measured_columns()) and fact.value <> 'null'
        )
    from media.videos as v
    inner join media.assets as a on v.asset_id = a.id
    left join media.objects as o on a.object_id = o.id
    where v.id = p_video_id and v.deleted_at is null and base.may_act_for(v.tenant_id);

    if not found then
        raise exception 'no video %', coalesce(p_video_id::text, 'null')
            using errcode = 'RQ004', hint = 'It never was, or it was deleted since the job was made; drop the job.';
    end if;
end;
$$;

comment on function media.get_work(uuid) is $$
What a handler needs to start: the video's asset, where it lies, what was measured.

Returns exactly one row. bucket and key are null until the original is stored;
`measured` is {"<column of media.assets>": value} without the unknown ones.

Raises
  RQ004  unknown or deleted video
$$;
