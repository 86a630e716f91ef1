create or replace function ops.column_class(p_table regclass, p_column text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        -- The comment says it; else what is told by type and name is taken for a secret.
        when c.class is not null then c.class
        when c.comment ~ $re$^Secret\.$re$ then 'secret'
        when c.comment ~ $re$^Personal\.$re$ then 'personal'
        when a.atttypid = 'bytea'::regtype or a.attname ~ '(^|_)(hash|secret|password|token)(_|$)' then 'secret'
        else 'internal'
    end
    from pg_catalog.pg_attribute as a
    cross join lateral (
        select col_description(a.attrelid, a.attnum) as comment,
            substring(col_description(a.attrelid, a.attnum) from $re$\[(public|internal|personal|secret)\]\s*\Z$re$) as class
    ) as c
    where a.attrelid = p_table and a.attname = p_column and not a.attisdropped;
$$;

comment on function ops.column_class(regclass, text) is $$
The class of a column: public, internal, personal or secret. It is the last word of the column's comment, in square brackets. Null: no such column.
$$;
