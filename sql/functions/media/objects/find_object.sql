create or replace function media.find_object(p_tenant_id uuid, p_bucket text, p_sha256 text, p_size_bytes bigint)
returns media.objects
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
as $$
declare
    v_found media.objects;
begin
    perform base.check_read_committed();
    if not base.may_act_for(p_tenant_id) then
        return v_found;
    end if;
    -- Locked as by whoever refers to it: a sweep has either begun before, and its state tells, or waits until this transaction is over.
    select o.*
    into v_found
    from media.objects as o
    where
        o.tenant_id = p_tenant_id and o.bucket = p_bucket and o.sha256 = p_sha256 and o.size_bytes = p_size_bytes
        and o.state = 'stored' and o.fault is null and o.storage_class = 'hot' and o.is_shared
    for key share;
    if v_found.id is not null then
        -- Its grace begins anew: whoever asks will refer to it.
        update media.objects as o
        set unreferenced_since = null, last_used_at = greatest(o.last_used_at, base.clock())
        where o.id = v_found.id and (o.unreferenced_since is not null or o.last_used_at < base.clock() - interval '1 day');
    end if;
    return v_found;
end;
$$;

comment on function media.find_object(uuid, text, text, bigint) is $$
The object of a tenant in a bucket that has this content; all null: none that could be referred to. Ask before you upload. What is found is not swept before the grace
is over, and media.use_object says when the reference is made whether it is still there.

Arguments
  p_tenant_id   null: a job's without a tenant, whose objects are not shared
  p_sha256      of the bytes, 64 lower-case hex digits
  p_size_bytes  their number

Raises
  RQ002  the caller is not READ COMMITTED
$$;
