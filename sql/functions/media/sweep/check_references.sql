create or replace function media.check_references()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A restore that left out constraints would make all objects look unused.
    if not exists (select from media.object_references() as r where r.relation = 'media.assets')
        or not exists (select from media.object_references() as r where r.relation = 'media.variants') then  -- mutant: a sweep without foreign keys
        raise exception 'media.assets and media.variants must refer to media.objects by foreign keys, and do not'
            using errcode = 'RQ009', hint = 'Nothing is swept. Was the schema restored without its constraints? See: reelq schema diff';
    end if;
end;
$$;

comment on function media.check_references() is $$
Refuse to look for unreferenced objects in a database whose foreign keys are gone: everything would seem unused.

Raises
  RQ009  a foreign key of media.assets or media.variants to media.objects is missing
$$;
