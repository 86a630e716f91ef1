create or replace function ops.pii_tables(p_relation text default null)
returns table (relation text, part text, blocks bigint)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_operator();
    return query
    select whole.name, c.oid::regclass::text, pg_relation_size(c.oid) / current_setting('block_size')::bigint
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_class as root on root.oid = coalesce(pg_partition_root(c.oid), c.oid)
    cross join lateral (select root.relnamespace::regnamespace || '.' || root.relname as name) as whole
    where
        c.relkind = 'r' and root.relnamespace::regnamespace::text in ('base', 'identity', 'media', 'queue', 'ops')
        and (p_relation is null or p_relation = whole.name)
        and exists (select from ops.text_columns(root.oid))
    order by whole.name, c.oid;
    if not found and p_relation is not null then
        raise exception 'no table % that holds texts', quote_literal(p_relation) using errcode = 'RQ004', hint = 'As media.videos; see: select * from ops.pii_tables()';
    end if;
end;
$$;

comment on function ops.pii_tables(text) is $$
The tables that hold free texts, each partition by itself, with its size in blocks: ops.find_pii looks through so many at a time. For operators.

Arguments
  p_relation  one table only; null: all

Raises
  42501  the caller is no operator
  RQ004  no such table, or it holds no texts
$$;
