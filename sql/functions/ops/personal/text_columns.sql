create or replace function ops.text_columns(p_relation regclass)
returns table (column_name text, class text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select a.attname::text, substring(col_description(a.attrelid, a.attnum) from $re$\[(\w+)\]\Z$re$)
    from pg_catalog.pg_attribute as a
    where
        a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        and a.atttypid in ('text'::regtype, 'varchar'::regtype, 'jsonb'::regtype, 'json'::regtype, 'text[]'::regtype)
        and coalesce(col_description(a.attrelid, a.attnum) !~ $re$\[secret\]\Z$re$, true)
    order by a.attnum;
$$;

comment on function ops.text_columns(regclass) is 'The columns of a table that people or programs may write any text into, secrets left out, each with its class.';
