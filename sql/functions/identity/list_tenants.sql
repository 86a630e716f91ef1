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
    select t.id, t.slug, t.name, t.status, t.tier, t.job_weight, t.s3_bucket, t.created_at, t.status_changed_at
    from identity.tenants as t, base.check_operator()
    order by t.slug;
$$;

comment on function identity.list_tenants() is $$
All tenants by slug, the deleted ones too. For operators.

Raises
  42501  the caller acts for a tenant
$$;
