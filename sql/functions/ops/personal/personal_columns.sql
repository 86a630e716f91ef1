create or replace function ops.personal_columns()
returns table (relation text, column_name text, data_type text, action text, is_covered boolean, reason text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        named.relation, a.attname::text, format_type(a.atttypid, a.atttypmod), r.action,
        -- Whole rows go, or the rule names the column.
        coalesce(r.action <> 'blank' or r.blanks ? a.attname, false),
        r.reason
    from base.check_operator()
    cross join pg_catalog.pg_class as c
    inner join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    cross join lateral (select c.relnamespace::regnamespace || '.' || c.relname as relation) as named
    left join ops.personal_rules() as r on r.relation = named.relation
    where
        c.relnamespace::regnamespace::text in ('base', 'identity', 'media', 'queue', 'ops') and c.relkind in ('r', 'p') and not c.relispartition
        and col_description(c.oid, a.attnum) ~ $re$\[personal\]\Z$re$
    order by named.relation, a.attnum;
$$;

comment on function ops.personal_columns() is $$
Every column whose comment has the class [personal], with the rule by which it is exported and erased (ops.personal_rules). For operators.

Returns
  action      null: the table has no rule yet
  is_covered  whether an erasure takes what stands in it; a test asks that all are

Raises
  42501  the caller is no operator
$$;
