create or replace function media.is_store(p_s3_bucket text)
returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        exists (select from identity.tenants as t where t.s3_bucket = p_s3_bucket)
        or exists (select from media.stores as s where s.bucket = 's3://' || p_s3_bucket or starts_with(s.bucket, 's3://' || p_s3_bucket || '/'));
$$;

comment on function media.is_store(text) is $$
Whether objects of any tenant lie in this bucket of S3. The credentials of workers can read them all, so that no source may name it.

Arguments
  p_s3_bucket  the name alone, as acme-media
$$;
