create or replace function media.tenant_store(p_tenant_id uuid)
returns table (bucket text, region text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select 's3://' || t.s3_bucket, t.s3_region
    from identity.tenants as t
    where t.id = p_tenant_id and t.s3_bucket is not null and base.may_act_for(t.id);
$$;

comment on function media.tenant_store(uuid) is $$
Where a tenant's new objects go, when it has a bucket of its own; no row: the common store.

Returns
  bucket  as media.objects names it, s3://bucket
  region  where the bucket is
$$;
