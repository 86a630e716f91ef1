create or replace function media.list_stores()
returns setof text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select s.bucket from media.stores as s where base.is_operator() order by s.bucket;
$$;

comment on function media.list_stores() is $$
The buckets of all stores that workers have ever used. For operators; others get none.
$$;
