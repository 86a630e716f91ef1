create or replace function media.list_condemned(p_after uuid default null, p_limit integer default 500, p_but text[] default '{}')
returns table (id uuid, bucket text, key text, tenant_id uuid, bucket_tenant_id uuid)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
begin
    perform base.check_operator();
    return query
    select o.id, o.bucket, o.key, o.tenant_id, t.id
    from media.objects as o
    left join identity.tenants as t on o.bucket like 's3://%' and t.s3_bucket = split_part(substr(o.bucket, 6), '/', 1)
    where
        o.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        and o.state <> 'stored' and o.state = 'deleting' and not o.bucket = any(p_but)
    order by o.id
    limit p_limit;
end;
$$;

comment on function media.list_condemned(uuid, integer, text[]) is $$
Objects whose bytes are to be deleted, by id, also those that an earlier sweep was killed at: delete the bytes, then call media.forget_objects.

Arguments
  p_after  the last id of the page before
  p_but    not those of these buckets

Returns
  bucket_tenant_id  the tenant whose own bucket this is; null: a common store. Bytes of another tenant are not deleted from it

Raises
  42501  the caller acts for a tenant
$$;
