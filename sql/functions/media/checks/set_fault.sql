create or replace function media.set_fault(p_object_ids uuid[], p_fault text default null)
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
    -- What is being deleted meanwhile is missing for a good reason.
    update media.objects as o
    set fault = p_fault, fault_found_at = case when p_fault is not null then base.clock() end
    where o.id = any(p_object_ids) and o.state = 'stored' and o.fault is distinct from p_fault;
    get diagnostics v_count = row_count;
    return v_count;
exception
    when unique_violation then
        -- Whole again, and the same content was stored anew while it was not: both stay, and the newer one is shared.
        update media.objects as o
        set fault = null, fault_found_at = null, is_shared = false
        where o.id = any(p_object_ids) and o.state = 'stored' and o.fault is not null;
        get diagnostics v_count = row_count;
        return v_count;
end;
$$;

comment on function media.set_fault(uuid[], text) is $$
Note that objects are missing or altered, or (null) that they are whole again. Returns how many changed. An object with a fault is offered to nobody who stores the same content;
one that is whole again goes on being used by what refers to it.

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
$$;
