create or replace function media.object_references()
returns table (relation text, column_name name)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select format('%s.%I', t.relnamespace::regnamespace, t.relname), a.attname
    from pg_catalog.pg_constraint as c
    inner join pg_catalog.pg_class as t on t.oid = c.conrelid
    inner join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'f' and c.confrelid = 'media.objects'::regclass and cardinality(c.conkey) = 1 and c.conparentid = 0
    order by 1, 2;
$$;

comment on function media.object_references() is $$
What keeps objects: the columns with a foreign key to media.objects, read off the catalogue, so that a new table counts as soon as it is there, and an application's too.
$$;
