create or replace function ops.column_classes(p_table regclass)
returns table (column_name text, class text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        a.attname::text,
        case
            -- The comment says it; else what is told by type and name is taken for a secret.
            when d.description ~ $re$\[(public|internal|personal|secret)\]\s*\Z$re$ then substring(d.description from $re$\[([a-z]+)\]\s*\Z$re$)
            when d.description ~ $re$^Secret\.$re$ then 'secret'
            when d.description ~ $re$^Personal\.$re$ then 'personal'
            when a.atttypid = 'bytea'::regtype or a.attname ~ '(^|_)(hash|secret|password|token)(_|$)' then 'secret'
            else 'internal'
        end
    from pg_catalog.pg_attribute as a
    left join pg_catalog.pg_description as d
        on a.attrelid = d.objoid and a.attnum = d.objsubid and d.classoid = 'pg_catalog.pg_class'::regclass
    where a.attrelid = p_table and not a.attisdropped;
end;
$$;

comment on function ops.column_classes(regclass) is $$
The class of each column of a table: public, internal, personal or secret. It is the last word of the column's comment, in square brackets.
$$;
