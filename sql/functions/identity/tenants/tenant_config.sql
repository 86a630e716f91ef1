create or replace function identity.tenant_config(p_tenant text default null)
returns table (
    tenant_id uuid, personalization_enabled boolean, personalization_weights jsonb, content_filters jsonb, rate_limit_rps integer,
    cache_ttl_seconds integer, retention_days integer, updated_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := identity.named_tenant(p_tenant);
begin
    if not identity.may_see(v_tenant, base.current_user_id()) then
        raise exception 'no tenant %', v_tenant using errcode = 'RQ004', hint = 'reelq.user_id is no user of it.';
    end if;
    return query
    select
        c.tenant_id, c.personalization_enabled, c.personalization_weights, c.content_filters, c.rate_limit_rps,
        c.cache_ttl_seconds, c.retention_days, c.updated_at
    from identity.tenant_configs as c where c.tenant_id = v_tenant;
end;
$$;

comment on function identity.tenant_config(text) is $$
What a tenant has chosen: whether its feeds are personal and by which weights, what they leave out, requests a second, seconds that an answer
is kept, days that operational objects are kept.

Arguments
  p_tenant  slug or id; null: the tenant of reelq.tenant_id, else "default"

Raises
  RQ004  no such tenant, or not the caller's
$$;
