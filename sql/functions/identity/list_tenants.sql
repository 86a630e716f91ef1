create or replace function identity.list_tenants()
returns table (
    id uuid, slug text, name text, status text, tier text, job_weight numeric, s3_bucket text, created_at timestamptz,
    status_changed_at timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select t.id, t.slug, t.name, t.status, coalesce(s.plan, t.tier), t.job_weight, t.s3_bucket, t.created_at, t.status_changed_at
    from identity.tenants as t
    cross join base.check_operator()
    left join identity.subscriptions as s
        on
            s.tenant_id = t.id and s.user_id is null and s.status <> 'cancelled'
            and (s.status <> 'trialing' or s.trial_ends_at > base.clock())
    order by t.slug;
$$;

comment on function identity.list_tenants() is $$
All tenants by slug, the deleted ones too; the tier is that of the live subscription. For operators.

Raises
  42501  the caller acts for a tenant
$$;
