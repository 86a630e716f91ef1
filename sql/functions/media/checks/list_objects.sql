create or replace function media.list_objects(
    p_tenant_slug text default null, p_state text default null, p_class text default null, p_faulty boolean default false, p_limit integer default 50
)
returns table (
    id uuid, tenant text, bucket text, key text, state text, size_bytes bigint, sha256 text, storage_class text, restored_until timestamptz,
    fault text, unreferenced_since timestamptz, last_used_at timestamptz, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_current uuid := base.current_tenant();
    v_trusted boolean := base.is_trusted();
    v_only uuid := case when p_tenant_slug is not null then identity.find_tenant(p_tenant_slug) end;
begin
    if p_limit is null or p_limit < 1 then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'Leave it out for 50.';
    end if;
    return query
    select
        o.id, t.slug, o.bucket, o.key, o.state, o.size_bytes, o.sha256, o.storage_class, o.restored_until, o.fault, o.unreferenced_since, o.last_used_at,
        o.created_at
    from media.objects as o
    left join identity.tenants as t on t.id = o.tenant_id
    where
        (v_only is null or o.tenant_id = v_only)
        and (o.tenant_id = v_current or (v_current is null and v_trusted))
        and identity.limited_to() is null
        and (p_state is null or o.state = p_state)
        and (p_class is null or o.storage_class = p_class)
        and (not p_faulty or o.fault is not null)
    order by o.id desc
    limit p_limit;
end;
$$;

comment on function media.list_objects(text, text, text, boolean, integer) is $$
Objects of the register, newest first; a tenant's own, which its members who are no admins do not see.

Arguments
  p_tenant_slug  only of this tenant
  p_state        only writing, stored or deleting
  p_class        only hot, cooling, cold, restoring or restored
  p_faulty       only those that a check found missing or altered

Raises
  RQ004  no such tenant
  RQ008  a limit below 1
$$;
