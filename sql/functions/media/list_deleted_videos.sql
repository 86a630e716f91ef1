create or replace function media.list_deleted_videos(p_tenant_slug text default null, p_limit integer default 50)
returns table (id uuid, tenant text, title text, status text, deleted_at timestamptz, created_at timestamptz)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_current uuid := base.current_tenant();
    v_trusted boolean := base.is_trusted();
    v_only uuid := identity.limited_to();
    v_tenant_id uuid := case when p_tenant_slug is not null then identity.find_tenant(p_tenant_slug) end;
begin
    if p_limit is null or p_limit < 1 then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'Leave it out for 50.';
    end if;
    return query
    select v.id, t.slug, v.title, v.status, v.deleted_at, v.created_at
    from media.videos as v
    inner join identity.tenants as t on t.id = v.tenant_id
    where
        v.deleted_at is not null
        and (v_tenant_id is null or v.tenant_id = v_tenant_id)
        and (v.tenant_id = v_current or (v_current is null and v_trusted))
        and (v_only is null or v.user_id = v_only)
    order by v.deleted_at desc, v.id desc
    limit p_limit;
end;
$$;

comment on function media.list_deleted_videos(text, integer) is $$
Videos that were soft-deleted and can be brought back by queue.restore_video, the last one first.

Arguments
  p_tenant_slug  only of this tenant

Raises
  RQ004  no such tenant
  RQ008  a limit below 1
$$;
