create or replace function ops.full_name(p_relation regclass)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select format('%I.%I', s.nspname, c.relname)
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as s on s.oid = c.relnamespace
    where c.oid = p_relation;
$$;

comment on function ops.full_name(regclass) is $$
The name of a relation with its schema, whatever the caller's search_path; null when there is none.
$$;
