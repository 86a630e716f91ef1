create or replace function media.begin_check(p_bucket text, p_with_content boolean default false, p_anew boolean default false)
returns setof media.store_checks
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_read_committed();
    perform base.check_operator();
    insert into media.store_checks as c (bucket, with_content) values (p_bucket, p_with_content)
    on conflict (bucket) do update
    set
        with_content = excluded.with_content, place = null, listed = 0, strays = 0, missing = 0, altered = 0, example = null,
        started_at = excluded.started_at, finished_at = null
    where p_anew or c.finished_at is not null or c.with_content <> excluded.with_content;
    return query select c.* from media.store_checks as c where c.bucket = p_bucket;
end;
$$;

comment on function media.begin_check(text, boolean, boolean) is $$
Begin to compare a store with the register, or go on with a comparison of the same kind that was interrupted. Returns where it stands.

Arguments
  p_with_content  whether all bytes are read
  p_anew          from the start, whatever there is

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
$$;
