create or replace function ops.settle_storage(
    p_object_id uuid, p_from text, p_class text, p_until timestamptz default null, p_days integer default null
)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_until timestamptz := case when p_class = 'restored' then coalesce(p_until, base.clock() + make_interval(days => p_days)) end;
begin
    perform base.check_read_committed();
    perform base.check_operator();
    if p_class is null or p_class not in ('hot', 'cooling', 'cold', 'restoring', 'restored') or (p_class = 'restored') <> (v_until is not null) then
        raise exception 'class must be hot, cooling, cold or restoring, or restored with an end, not % and %',
            coalesce(quote_literal(left(p_class, 80)), 'null'), coalesce(v_until::text, 'null')
            using errcode = 'RQ008', hint = 'As the store says it.';
    end if;
    begin
        -- What somebody has asked for meanwhile is not taken back by what the store said before.
        update media.objects as o set storage_class = p_class, restored_until = v_until
        where o.id = p_object_id and o.state = 'stored' and o.storage_class = p_from;  -- mutant: a restore is forgotten
    exception
        when unique_violation then
            -- The same content came again while this was not hot: both stay, and the newer one is shared.
            update media.objects as o set storage_class = p_class, restored_until = v_until, is_shared = false
            where o.id = p_object_id and o.state = 'stored' and o.storage_class = p_from;
    end;
    return (select o.storage_class from media.objects as o where o.id = p_object_id);
end;
$$;

comment on function ops.settle_storage(uuid, text, text, timestamptz, integer) is $$
Note how an object lies in its store, as the store says. Returns how it stands from now on.

Arguments
  p_from   how it stood when the store was asked; where it no longer stands so, nothing changes
  p_class  hot, cooling, cold, restoring or restored
  p_until  with restored: until when it can be read; null: so many
  p_days   days from now

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  an unknown class, or restored without an end
$$;
