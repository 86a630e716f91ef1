create or replace function ops.keys_in_use(p_bucket text, p_keys text[])
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
    select o.key from media.objects as o where o.key = any(p_keys) and o.bucket = p_bucket and o.state <> 'deleting';
$$;

comment on function ops.keys_in_use(text, text[]) is $$
Which of these objects in a store stay, because other files are made of them too. For operators, of every tenant: a store may be common to all.

Arguments
  p_keys  what lies below the prefixes of files that go, after ops.objects_to_erase
$$;
