create or replace function media.forget_objects(p_object_ids uuid[])
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_ids uuid[];
    v_free uuid[];
    v_count bigint;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    -- Passed by when another sweep is at them: it says the same.
    v_ids := array(
        select o.id from media.objects as o where o.id = any(p_object_ids) and o.state = 'deleting' order by o.id for update skip locked  -- mutant: a row goes before its bytes
    );
    v_free := array(select u from media.unreferenced_objects(v_ids) as u);
    delete from media.objects as o where o.id = any(v_free);
    get diagnostics v_count = row_count;
    -- Somebody wrote a reference past media.use_object: it leads nowhere now, and that has to be told.
    update media.objects as o
    set state = 'stored', stored_at = coalesce(o.stored_at, base.clock()), unreferenced_since = null, fault = 'missing', fault_found_at = base.clock()
    where o.id = any(v_ids) and not o.id = any(v_free);
    return v_count;
end;
$$;

comment on function media.forget_objects(uuid[]) is $$
The bytes of these objects are gone: delete their rows. Returns how many; others were gone, or are in another sweep's hands.

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ009  references may be missed, see media.check_references
$$;
