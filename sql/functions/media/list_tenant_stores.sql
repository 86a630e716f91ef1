create or replace function media.list_tenant_stores(p_limit integer default 1000)
returns table (tenant text, bucket text, region text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select t.slug, 's3://' || t.s3_bucket, t.s3_region
    from base.check_operator()
    cross join identity.tenants as t
    where t.s3_bucket is not null and t.status <> 'deleted'
    order by t.slug
    limit p_limit;
$$;

comment on function media.list_tenant_stores(integer) is $$
The tenants that have a bucket of their own, for a look whether it can be used. For operators.

Arguments
  p_limit  so many at most

Returns
  tenant  its slug
  bucket  as media.objects names it, s3://bucket

Raises
  42501  the caller is no operator
$$;
