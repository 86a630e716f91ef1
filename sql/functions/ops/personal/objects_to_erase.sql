create or replace function ops.objects_to_erase(p_erasure_id uuid, p_limit integer default 100)
returns table (asset_id uuid, prefix text, bucket text, key text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_erasure ops.erasures := ops.lock_erasure(p_erasure_id);
    v_assets uuid[] := array(select f from ops.assets_to_erase(v_erasure.user_id, least(p_limit, 1000)) as f);
begin
    return query
    select a.id, format('tenants/%s/media/%s/', a.tenant_id, a.id), o.bucket, o.key
    from media.assets as a
    left join lateral (
        select a.bucket, a.key where a.key is not null
        union all
        select r.bucket, r.key from media.variants as r where r.asset_id = a.id
    ) as o on true
    where a.id = any(v_assets)
    order by a.id;
end;
$$;

comment on function ops.objects_to_erase(uuid, integer) is $$
The next files of an erasure, with their objects: delete the bytes, then call ops.erase_assets with the ids. Killed in between, the same ones come again.

Arguments
  p_limit  files at most; 1,000 at most

Returns
  prefix       how the keys of all objects of the file begin, also of those that no row names
  bucket, key  null: no row names an object of the file

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no erasure that has begun
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
