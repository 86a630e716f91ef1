create or replace function media.check_references()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_table record;
    v_hint text;
begin
    -- A restore that left out constraints would make all objects look unused.
    if not exists (select from media.object_references() as r where r.relation = 'media.assets')
        or not exists (select from media.object_references() as r where r.relation = 'media.variants') then  -- mutant: a sweep without foreign keys
        raise exception 'media.assets and media.variants must refer to media.objects by foreign keys, and do not'
            using errcode = 'RQ009', hint = 'Nothing is swept. Was the schema restored without its constraints? See: reelq schema diff';
    end if;
    -- An application's table keeps what it refers to only where each of its rows is seen.
    for v_table in
        select t.oid, n.nspname, format('%I.%I', n.nspname, t.relname) as name, cardinality(c.conkey) as columns, a.attname,
            has_schema_privilege(n.oid, 'usage') and has_column_privilege(t.oid, a.attnum, 'select') as is_read
        from pg_constraint as c
        inner join pg_class as t on t.oid = c.conrelid
        inner join pg_namespace as n on n.oid = t.relnamespace
        inner join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
        where c.contype = 'f' and c.confrelid = 'media.objects'::regclass and c.conparentid = 0
            and n.nspname not in ('base', 'identity', 'media', 'queue', 'ops')
        order by 3
    loop
        if v_table.columns > 1 then
            v_hint := format('Make its foreign key: foreign key (object_id) references media.objects (id); it is of %s columns now.', v_table.columns);
        elsif not v_table.is_read then  -- mutant: a sweep reads what it may not
            v_hint := format('grant usage on schema %I to %I; grant select on %s to %I;', v_table.nspname, current_user, v_table.name, current_user);
        elsif base.hides_rows(v_table.oid) then  -- mutant: a sweep does not see rows behind row security
            v_hint := format('create policy reelq_sees_all on %s for select to %I using (true);', v_table.name, current_user);
        else
            continue;
        end if;
        raise exception '% must refer to media.objects so that % sees each of its rows', v_table.name, current_user
            using errcode = 'RQ009', hint = 'Until then no object is deleted, lest one goes that is in use. ' || v_hint;
    end loop;
end;
$$;

comment on function media.check_references() is $$
Refuse to look for unreferenced objects where references may be missed, so that objects in use would seem unused: foreign keys are gone, or an application's table that refers to
media.objects cannot be read whole by the owner of this schema.

Raises
  RQ009  a foreign key of media.assets or media.variants to media.objects is missing; or a table of others refers to it that the owner may not read, whose row
         security may hide rows from the owner, or whose foreign key is not of one column
$$;
