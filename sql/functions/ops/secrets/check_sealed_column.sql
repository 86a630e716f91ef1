create or replace function ops.check_sealed_column(
    p_table text,
    p_column text,
    out row_column text,
    out row_type text
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_operator();
    select c.row_column, c.row_type into row_column, row_type
    from ops.list_sealed_columns() as c where c.table_name = p_table and c.column_name = p_column;
    if not found then
        raise exception 'no sealed column %.%', coalesce(p_table, 'null'), coalesce(p_column, 'null')
            using errcode = 'RQ004', hint = 'select * from ops.list_sealed_columns() lists them.';
    end if;
end;
$$;

comment on function ops.check_sealed_column(text, text) is $$
Name and type of the primary key of a table with a sealed column; refuses what is none, so that no other table can be read or changed by its name.

Raises
  42501  the caller is no operator
  RQ004  no such column, or it holds no envelopes
$$;
