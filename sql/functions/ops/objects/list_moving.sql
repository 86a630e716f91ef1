create or replace function ops.list_moving(p_after uuid default null, p_limit integer default 500)
returns table (id uuid, bucket text, key text, storage_class text, size_bytes bigint)
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
    select o.id, o.bucket, o.key, o.storage_class, o.size_bytes
    from media.objects as o
    where
        o.storage_class in ('cooling', 'restoring', 'restored')
        and o.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        and o.state = 'stored' and o.fault is null
        and (o.storage_class <> 'restored' or o.restored_until <= base.clock())
    order by o.id
    limit p_limit;
end;
$$;

comment on function ops.list_moving(uuid, integer) is $$
Objects that are on their way to cold storage or back, or whose restored copy has ended, by id: ask the store how they stand, and say it to ops.settle_storage.

Arguments
  p_after  the last id of the page before

Raises
  42501  the caller acts for a tenant
$$;
