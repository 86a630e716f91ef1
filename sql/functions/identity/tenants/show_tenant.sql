create or replace function identity.show_tenant(p_tenant text default null)
returns table (
    id uuid, slug text, name text, status text, tier text, tier_without_subscription text, subscription_status text, trial_ends_at timestamptz,
    monthly_quota integer, used integer, resets_on date, job_weight numeric, s3_bucket text, s3_region text, users bigint, live_keys bigint,
    created_at timestamptz, status_changed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := identity.named_tenant(p_tenant);
begin
    perform base.check_operator();
    return query
    select
        t.id, t.slug, t.name, t.status, coalesce(s.plan, t.tier), t.tier, s.status, s.trial_ends_at,
        q.monthly_quota, q.used, q.resets_on, t.job_weight, t.s3_bucket, t.s3_region,
        (select count(*) from identity.users as u where u.tenant_id = t.id and u.deleted_at is null),
        (
            select count(*) from identity.api_keys as k
            where k.tenant_id = t.id and k.revoked_at is null and (k.expires_at is null or k.expires_at > base.clock())
        ),
        t.created_at, t.status_changed_at
    from identity.tenants as t
    cross join identity.quota_state(t.id, null) as q
    left join identity.live_subscription(t.id, null) as s on true
    where t.id = v_tenant;
end;
$$;

comment on function identity.show_tenant(text) is $$
All that is known of a tenant: tier and quota, derived from its live subscription, bucket and region, users, keys. For operators.

Arguments
  p_tenant  slug or id; null: "default"

Raises
  42501  the caller acts for a tenant
  RQ004  no such tenant
$$;
