create or replace function queue.resolve_tenant(p_tenant_id uuid, p_video_id uuid, p_asset_id uuid)
returns uuid
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        p_tenant_id,
        (select v.tenant_id from media.videos as v where v.id = p_video_id),
        (select a.tenant_id from media.assets as a where a.id = p_asset_id)
    );
$$;

comment on function queue.resolve_tenant(uuid, uuid, uuid) is $$
The tenant that a job for this tenant, video or asset will belong to, as queue.tg_fill_job has it; null: the platform.
$$;
