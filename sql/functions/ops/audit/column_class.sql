create or replace function ops.column_class(p_table regclass, p_column text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select c.class from ops.column_classes(p_table) as c where c.column_name = p_column;
$$;

comment on function ops.column_class(regclass, text) is $$
The class of a column, as ops.column_classes has it. Null: no such column.
$$;
