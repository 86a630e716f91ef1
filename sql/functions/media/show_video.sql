create or replace function media.show_video(p_video_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_shown jsonb;
begin
    select
        to_jsonb(v) - '{search, asset_id, deleted_at}'::text[]
        || jsonb_build_object(
            'tenant', t.slug,
            'asset', to_jsonb(a) - '{tenant_id, deleted_at}'::text[] || jsonb_build_object(
                'bucket', o.bucket, 'key', o.key, 'size_bytes', o.size_bytes, 'sha256', o.sha256, 'storage_class', o.storage_class
            ),
            'variants', (
                select coalesce(jsonb_agg(to_jsonb(made)), '[]') from media.list_variants(p_video_id) as made
            )
        )
    into v_shown
    from media.videos as v
    inner join identity.tenants as t on v.tenant_id = t.id
    inner join media.assets as a on v.asset_id = a.id
    left join media.objects as o on a.object_id = o.id
    where v.id = p_video_id and v.deleted_at is null and identity.may_see(v.tenant_id, v.user_id);

    if v_shown is null then
        raise exception 'no video %', coalesce(p_video_id::text, 'null')
            using errcode = 'RQ004', hint = 'Look with: reelq videos list, or media.list_videos().';
    end if;

    return v_shown;
end;
$$;

comment on function media.show_video(uuid) is $$
All that is known of a video, as one JSON object: the columns of media.videos, and

  tenant    slug of its tenant
  asset     {"<column of media.assets>": value}, with bucket, key, size_bytes, sha256 and storage_class of its object
  variants  [{"<column of media.list_variants>": value}], the largest rendition first

Raises
  RQ004  unknown or deleted video
$$;
