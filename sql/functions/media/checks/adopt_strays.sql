create or replace function media.adopt_strays(p_bucket text, p_keys text[])
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_count bigint;
begin
    perform base.check_read_committed();
    perform base.check_operator();
    -- As litter: the grace of the sweep begins, in which they can still be looked at.
    insert into media.objects (tenant_id, bucket, key, unreferenced_since)
    select t.id, p_bucket, k.key, base.clock()
    from media.own_keys(p_keys) as k (key)
    left join identity.tenants as t on t.id = substring(k.key from '^tenants/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/')::uuid
    on conflict (bucket, key) do nothing;
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;

comment on function media.adopt_strays(text, text[]) is $$
Give rows to objects that no row names: as litter, which the sweep deletes after its grace. Returns how many. What media.own_keys does not know stays as it is.

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
$$;
