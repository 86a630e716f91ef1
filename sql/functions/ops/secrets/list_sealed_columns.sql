create or replace function ops.list_sealed_columns()
returns table (table_name text, column_name text, row_column text, row_type text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select ops.full_name(c.oid), sealed.attname::text, own.attname::text, format_type(own.atttypid, own.atttypmod)
    from pg_depend as d
    inner join pg_constraint as k on k.oid = d.objid and k.contype = 'c' and k.conparentid = 0 and cardinality(k.conkey) = 1
    inner join pg_class as c on c.oid = k.conrelid and not c.relispartition
    inner join pg_attribute as sealed on sealed.attrelid = c.oid and sealed.attnum = k.conkey[1] and sealed.atttypid = 'bytea'::regtype
    inner join pg_index as i on i.indrelid = c.oid and i.indisprimary and i.indnkeyatts = 1
    inner join pg_attribute as own on own.attrelid = c.oid and own.attnum = i.indkey[0]
    where
        d.classid = 'pg_constraint'::regclass and d.refclassid = 'pg_proc'::regclass
        and d.refobjid = to_regprocedure('base.is_envelope(bytea)')
        and c.relnamespace::regnamespace::text in ('base', 'identity', 'media', 'queue', 'ops')
        and base.is_operator()
    group by c.oid, sealed.attname, own.attname, own.atttypid, own.atttypmod
    order by 1, 2;
$$;

comment on function ops.list_sealed_columns() is $$
The columns that hold sealed envelopes, with the primary key of their table: every column with a CHECK by base.is_envelope.

For operators; others see none.
$$;
