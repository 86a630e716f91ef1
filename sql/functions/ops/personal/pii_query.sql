create or replace function ops.pii_query(p_relation text, p_part text, p_condition text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select format(
        'select %1$L::text, c.name, c.class, %2$s, f.kind, base.mask_pii(f.kind, min(f.value)), count(*) from %3$s as t '
        'cross join lateral (values %4$s) as c (name, class, content) cross join lateral base.find_pii(c.content) as f '
        'where %5$s group by 1, 2, 3, 4, 5',
        p_relation,
        coalesce((
            select 'concat_ws(''/'', ' || string_agg(format('t.%I', a.attname), ', ' order by array_position(i.indkey::smallint[], a.attnum)) || ')'
            from pg_catalog.pg_index as i
            inner join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
            where i.indrelid = to_regclass(p_relation) and i.indisprimary
        ), 't.ctid::text'),
        p_part,
        (select string_agg(format('(%1$L, %2$L, t.%1$I::text)', c.column_name, c.class), ', ') from ops.text_columns(to_regclass(p_relation)) as c),
        p_condition
    );
$$;

comment on function ops.pii_query(text, text, text) is $$
The query by which ops.find_pii and ops.find_pii_of_user look. Made of names of the catalogue and of our own conditions.

Arguments
  p_relation   whose columns and key
  p_part       what is read: it, or a partition of it
  p_condition  over rows t
$$;
