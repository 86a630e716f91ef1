create or replace function media.list_by_key(p_bucket text, p_after text default null, p_limit integer default 1000, p_keys text[] default null)
returns table (id uuid, key text, state text, size_bytes bigint, sha256 text, storage_class text, fault text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
as $$
begin
    perform base.check_operator();
    if p_keys is not null then
        return query
        select o.id, o.key, o.state, o.size_bytes, o.sha256, o.storage_class, o.fault
        from media.objects as o
        where o.bucket = p_bucket and o.key = any(p_keys);
        return;
    end if;
    return query
    select o.id, o.key, o.state, o.size_bytes, o.sha256, o.storage_class, o.fault
    from media.objects as o
    where o.bucket = p_bucket and o.key > coalesce(p_after, '')
    order by o.key
    limit p_limit;
end;
$$;

comment on function media.list_by_key(text, text, integer, text[]) is $$
Rows of a bucket in the order of the bytes of their keys, as stores list them.

Arguments
  p_after  the last key of the page before
  p_keys   instead: the rows of these keys, in no order

Raises
  42501  the caller acts for a tenant
$$;
