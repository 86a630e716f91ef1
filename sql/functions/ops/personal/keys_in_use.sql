create or replace function ops.keys_in_use(p_bucket text, p_keys text[], p_asset_ids uuid[])
returns setof text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
    select a.key
    from media.assets as a
    where a.key = any(p_keys) and a.bucket = p_bucket and a.id <> all(p_asset_ids)
    union
    select r.key
    from media.variants as r
    where r.key = any(p_keys) and r.bucket = p_bucket and r.asset_id <> all(p_asset_ids);
$$;

comment on function ops.keys_in_use(text, text[], uuid[]) is $$
Which of these objects other files are made of too: they stay in the store. For operators, of every tenant: a store may be common to all.

Arguments
  p_asset_ids  the files that go
$$;
