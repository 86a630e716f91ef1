create or replace function media.register_store(p_bucket text, p_mark text)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(p_bucket, '') = '' or coalesce(p_mark, '') = '' then
        raise exception 'a store must have an address and a mark, not % and %',
            coalesce(quote_literal(left(p_bucket, 80)), 'null'), coalesce(quote_literal(left(p_mark, 80)), 'null')
            using errcode = 'RQ008', hint = 'Workers do it when they first use a store.';
    end if;
    insert into media.stores (bucket, mark) values (p_bucket, p_mark) on conflict (bucket) do nothing;
    return (select s.mark from media.stores as s where s.bucket = p_bucket);
end;
$$;

comment on function media.register_store(text, text) is $$
Remember the mark of an object store; the first one stays. Returns the mark that is known from now on. Someone who has moved the objects
to another disk or bucket under the same address either copies .incoming/store with them or deletes the store's row.

Raises
  RQ008  no address or no mark
$$;
