create or replace function ops.export_objects(p_user_id uuid)
returns table (bucket text, key text, size_bytes bigint, sha256 text, what text, asset_id uuid)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    perform ops.check_subject(p_user_id);
    return query
    with theirs as (
        select a.id from media.assets as a where a.owner_user_id = p_user_id
        union
        select v.asset_id from media.videos as v where v.user_id = p_user_id
    )
    select o.bucket, o.key, o.size_bytes, o.sha256, 'original', a.id
    from theirs as t
    cross join lateral (select * from media.assets as f where f.id = t.id offset 0) as a
    cross join lateral (select * from media.objects as f where f.id = a.object_id offset 0) as o
    union all
    select o.bucket, o.key, o.size_bytes, o.sha256, r.profile, r.asset_id
    from theirs as t
    cross join lateral (select * from media.variants as f where f.asset_id = t.id offset 0) as r
    cross join lateral (select * from media.objects as f where f.id = r.object_id offset 0) as o
    union all
    select o.bucket, o.key, o.size_bytes, o.sha256, j.name, null
    from media.job_files as j
    cross join lateral (select * from media.objects as f where f.id = j.object_id offset 0) as o
    where j.user_id = p_user_id;
end;
$$;

comment on function ops.export_objects(uuid) is $$
The objects of a user's files: originals, what was made of them, and what jobs of theirs stored by ctx.store_file.

Returns
  what      original, the variant's profile, or the name of a job's file
  asset_id  null: of a job's file

Raises
  RQ004  no such user, or nobody whom the caller may see
$$;
