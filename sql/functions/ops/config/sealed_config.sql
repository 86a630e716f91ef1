create or replace function ops.sealed_config(p_key text)
returns bytea
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_row ops.system_config;
begin
    perform base.check_operator();
    v_row := ops.find_config(p_key);
    return v_row.sealed_value;
end;
$$;

comment on function ops.sealed_config(text) is $$
The envelope of a key that is a secret, sealed for this row of ops.system_config, column sealed_value; null: none is set. It opens with the keys of the host
alone. For operators and workers.

Raises
  42501  the caller acts for a tenant
  RQ004  no such key
$$;
