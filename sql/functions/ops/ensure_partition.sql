create or replace function ops.ensure_partition(p_parent regclass, p_at timestamptz)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Looked at before the lock that making one takes: nearly always it is there.
    if not exists (select from base.partitions(p_parent) as p where p.since <= p_at and p_at < p.until and not p.detaching) then
        perform base.make_partition(p_parent, (p_at at time zone 'UTC')::date);
    end if;
end;
$$;

comment on function ops.ensure_partition(regclass, timestamptz) is $$
Make the partition that a row of this time needs, where upkeep has not made it: what cannot wait is not lost for that. Raises what base.make_partition raises.
$$;
