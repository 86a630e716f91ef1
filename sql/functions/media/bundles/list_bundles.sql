create or replace function media.list_bundles(p_tenant_slug text default null, p_all boolean default false, p_limit integer default 50)
returns table (id uuid, tenant text, name text, live boolean, assets bigint, ends_at timestamptz, ended_at timestamptz, created_at timestamptz)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_current uuid := base.current_tenant();
    v_trusted boolean := base.is_trusted();
    v_only uuid := case when p_tenant_slug is not null then identity.find_tenant(p_tenant_slug) end;
    v_now timestamptz := base.clock();
begin
    if p_limit is null or p_limit < 1 then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'Leave it out for 50.';
    end if;
    return query
    select
        b.id, t.slug, b.name, is_live.live,
        (select count(*) from media.bundle_members as m where m.bundle_id = b.id), b.ends_at, b.ended_at, b.created_at
    from media.bundles as b
    inner join identity.tenants as t on t.id = b.tenant_id
    cross join lateral (select b.ended_at is null and coalesce(b.ends_at > v_now, true) as live) as is_live
    where
        (v_only is null or b.tenant_id = v_only)
        and (b.tenant_id = v_current or (v_current is null and v_trusted))
        and (p_all or is_live.live)
    order by b.id desc
    limit p_limit;
end;
$$;

comment on function media.list_bundles(text, boolean, integer) is $$
Bundles, newest first.

Arguments
  p_tenant_slug  only of this tenant
  p_all          also those that are over

Returns
  live    whether it keeps its files now
  assets  how many files are in it

Raises
  RQ004  no such tenant
  RQ008  a limit below 1
$$;
