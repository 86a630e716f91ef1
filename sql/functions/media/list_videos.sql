create or replace function media.list_videos(
    p_tenant_slug text default null,
    p_status text default null,
    p_limit integer default 50
)
returns table (
    id uuid,
    tenant text,
    title text,
    status text,
    error_code text,
    error_message text,
    asset_id uuid,
    kind text,
    original_filename text,
    size_bytes bigint,
    duration_seconds numeric,
    width integer,
    height integer,
    video_codec text,
    audio_codec text,
    variants bigint,
    has_poster boolean,
    created_at timestamptz,
    status_changed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_current uuid := base.current_tenant();
    v_trusted boolean := base.is_trusted();
    v_only uuid := identity.limited_to();
    -- Whose alone; null: every tenant's, which a trusted caller sees.
    v_one uuid := coalesce(case when p_tenant_slug is not null then identity.find_tenant(p_tenant_slug) end, v_current);
begin
    if p_limit is null or p_limit < 1 then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'Leave it out for 50.';
    end if;

    return query
    select
        v.id,
        t.slug,
        v.title,
        v.status,
        v.error_code,
        v.error_message,
        a.id,
        a.kind,
        a.original_filename,
        o.size_bytes,
        a.duration_seconds,
        a.width,
        a.height,
        a.video_codec,
        a.audio_codec,
        made.variants,
        made.has_poster,
        v.created_at,
        v.status_changed_at
    from (
        -- The rows first, each way by the index that is for it; which one it is decides before any is read. A tenant's list must not
        -- walk over the videos of all others.
        (
            select o.* from media.videos as o
            where
                v_one is not null and v_only is null and o.tenant_id = v_one and o.deleted_at is null and (p_status is null or o.status = p_status)
            order by o.created_at desc, o.id desc
            limit p_limit
        )
        union all
        (
            select o.* from media.videos as o
            where
                v_one is not null and v_only is not null and o.user_id = v_only and o.tenant_id = v_one and o.deleted_at is null  -- mutant: a member lists all of the tenant
                and (p_status is null or o.status = p_status)
            order by o.created_at desc, o.id desc
            limit p_limit
        )
        union all
        (
            select o.* from media.videos as o
            where v_one is null and v_trusted and o.deleted_at is null and (p_status is null or o.status = p_status)
            order by o.id desc
            limit p_limit
        )
    ) as v
    inner join identity.tenants as t on v.tenant_id = t.id
    inner join media.assets as a on v.asset_id = a.id
    left join media.objects as o on a.object_id = o.id
    cross join lateral (
        select
            count(*) as variants,
            coalesce(bool_or(r.profile = 'poster'), false) as has_poster
        from media.variants as r
        where r.asset_id = a.id
    ) as made
    order by v.created_at desc, v.id desc
    limit p_limit;
end;
$$;

comment on function media.list_videos(text, text, integer) is $$
Videos, newest first, with the facts of their assets.

`variants` counts all that was made, the poster included; size_bytes is the original's.
Sees the tenant of reelq.tenant_id, or every tenant when a trusted caller named none; of a member or viewer (reelq.user_id) only theirs.

Arguments
  p_tenant_slug  only this tenant's; null means all that the caller may see
  p_status       only this status; null means all
  p_limit        at most so many

Raises
  RQ004  no such tenant, or not the caller's
  RQ008  a limit below 1
$$;
