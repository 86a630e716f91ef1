create or replace function ops.objects_to_erase(p_erasure_id uuid, p_limit integer default 100)
returns table (asset_id uuid, prefix text, object_id uuid, bucket text, key text)
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
    v_objects uuid[] := array(select f from ops.objects_of_assets(v_assets) as f);
begin
    -- Whoever is about to refer to one holds its row; from here on nobody may.
    perform from media.objects as o where o.id = any(v_objects) order by o.id for update;
    update media.objects as o
    set state = 'deleting'
    where o.id = any(v_objects) and o.state <> 'deleting'
        and o.id = any(array(select f from ops.unshared_objects(v_objects, v_assets) as f));  -- mutant: what somebody else's file is made of goes too

    return query
    select a.id, format('tenants/%s/media/%s/', a.tenant_id, a.id), null::uuid, null::text, null::text
    from media.assets as a
    where a.id = any(v_assets)
    union all
    select null, null, o.id, o.bucket, o.key
    from media.objects as o
    where o.id = any(v_objects) and o.state = 'deleting';
end;
$$;

comment on function ops.objects_to_erase(uuid, integer) is $$
The next files of an erasure, and then their objects, those of attempts that failed too: delete the bytes, then call ops.erase_assets with the ids of the files. From here on
nothing refers to these objects any more but what goes. Killed in between, the same ones come again.

Arguments
  p_limit  files at most; 1,000 at most

Returns
  asset_id, prefix         a file, and how the keys begin of what lies in a store without a row, as a worker of 0.1.0 left it
  object_id, bucket, key   an object that goes; what other files are made of too does not, and is not here

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no erasure that has begun
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
