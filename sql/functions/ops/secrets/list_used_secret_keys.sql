create or replace function ops.list_used_secret_keys()
returns table (table_name text, column_name text, key_id text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
    v_column record;
begin
    perform base.check_operator();
    for v_column in select c.table_name, c.column_name from ops.list_sealed_columns() as c loop
        table_name := v_column.table_name;
        column_name := v_column.column_name;
        key_id := '';
        loop
            -- From one id to the next by the index: as many looks as there are keys, however many rows.
            execute format(
                'select base.envelope_key(t.%1$I) from %2$s as t where t.%1$I is not null and base.envelope_key(t.%1$I) > $1 '  -- mutant: used keys are told by reading all rows
                'order by base.envelope_key(t.%1$I) limit 1', column_name, table_name
            ) into key_id using key_id;
            exit when key_id is null;
            return next;
        end loop;
    end loop;
end;
$$;

comment on function ops.list_used_secret_keys() is $$
Which keys the rows of each sealed column are sealed under, by id.

Raises
  42501  the caller is no operator
$$;
