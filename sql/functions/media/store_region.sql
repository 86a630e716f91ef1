create or replace function media.store_region(p_bucket text)
returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select t.s3_region from identity.tenants as t where t.s3_bucket = substring(p_bucket from '^s3://([^/]+)$');
$$;

comment on function media.store_region(text) is $$
The region of a store that is some tenant's bucket; null: it is none, and the region of the worker's settings holds.

Arguments
  p_bucket  as media.objects names it, s3://bucket
$$;
