create or replace function ops.delete_flag(p_name text)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_operator();
    delete from ops.feature_flags as f where f.name = p_name;
    return found;
end;
$$;

comment on function ops.delete_flag(text) is $$
Remove a flag: it is off for everybody from now on, and what asks for it behaves as before it came. Returns false when there was none. Audited. For operators.

Raises
  42501  the caller acts for a tenant
$$;
