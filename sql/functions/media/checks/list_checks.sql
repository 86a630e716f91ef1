create or replace function media.list_checks(p_bucket text default null)
returns setof media.store_checks
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select c.* from media.store_checks as c where base.is_operator() and (p_bucket is null or c.bucket = p_bucket) order by c.bucket;
$$;

comment on function media.list_checks(text) is $$
How far the latest comparison of each store with the register has come, and what it found. For operators; others get none.

Arguments
  p_bucket  only this store
$$;
