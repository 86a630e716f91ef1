create or replace function ops.find_config(p_key text)
returns ops.system_config
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_row ops.system_config;
begin
    perform base.check_operator();
    select c.* into v_row from ops.system_config as c where c.key = p_key;
    if not found then
        raise exception 'no key %', coalesce(quote_literal(left(p_key, 80)), 'null')
            using errcode = 'RQ004', hint = 'Known: ' || coalesce((select string_agg(c.key, ', ' order by c.key) from ops.system_config as c), 'none');
    end if;
    return v_row;
end;
$$;

comment on function ops.find_config(text) is $$
A row of ops.system_config, for operators.

Raises
  42501  the caller acts for a tenant
  RQ004  no such key
$$;
