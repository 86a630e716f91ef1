create or replace function ops.config_value(p_key text)
returns jsonb
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
    return coalesce(v_row.value, v_row.default_value);
end;
$$;

comment on function ops.config_value(text) is $$
What a key of ops.system_config is: as an operator has set it, else its default; null: neither. Of a secret always null: it is unsealed by the program
(ops.sealed_config). For operators and workers.
  select ops.config_value('worker.poll_s');

Raises
  42501  the caller acts for a tenant
  RQ004  no such key
$$;
