create or replace function media.find_store(p_bucket text)
returns table (mark text, has_objects boolean)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        (select s.mark from media.stores as s where s.bucket = p_bucket),
        exists (select from media.stores as s where s.bucket = p_bucket)
        or exists (select from media.objects as o where o.bucket = p_bucket);
$$;

comment on function media.find_store(text) is $$
What is known of an object store, in one row.

Returns
  mark         what it shows to prove that it is there; null: no worker has used it yet
  has_objects  whether it ought to hold something, so that an empty one is not the one that is meant
$$;
