create or replace function queue.resolve_tenant(p_tenant_id uuid, p_video_id uuid, p_asset_id uuid)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
begin
    if p_tenant_id is not null then
        return p_tenant_id;
    end if;
    -- What belongs to a tenant for which the caller may not act is answered like what is not there.
    if p_video_id is not null then
        select v.tenant_id into v_tenant from media.videos as v where v.id = p_video_id and identity.may_see(v.tenant_id, v.user_id);
        if not found then
            raise exception 'no video %', p_video_id using errcode = 'RQ004', hint = 'Look with: reelq videos list, or media.list_videos().';
        end if;
    elsif p_asset_id is not null then
        select a.tenant_id into v_tenant from media.assets as a where a.id = p_asset_id and identity.may_see(a.tenant_id, a.owner_user_id);
        if not found then
            raise exception 'no asset % of this tenant', p_asset_id using errcode = 'RQ004', hint = 'select id from media.assets';
        end if;
    end if;
    return coalesce(v_tenant, base.current_tenant());
end;
$$;

comment on function queue.resolve_tenant(uuid, uuid, uuid) is $$
The tenant that a job for this tenant, video or asset will belong to, as queue.tg_fill_job has it: else that of reelq.tenant_id; null:
the platform.

Raises
  RQ004  no such video or asset, or not the caller's
$$;
