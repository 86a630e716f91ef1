create or replace function ops.tables_to_back_up(p_all boolean default true)
returns table (table_name text, is_ours boolean, row_estimate bigint, refusal text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select t.table_name, t.is_ours, t.row_estimate, t.refusal
    from (
        select
            format('%I.%I', n.nspname, c.relname) as table_name, o.is_ours, c.relkind,
            greatest(c.reltuples::bigint, pg_relation_size(c.oid) / 200) as row_estimate,
            case
                when not has_schema_privilege(n.oid, 'usage') then format('the schema of %I.%I cannot be used by %I', n.nspname, c.relname, current_user)
                when not has_table_privilege(c.oid, 'select')
                    then format('%s%I.%I cannot be read by %I', case when c.relkind = 'S' then 'the sequence ' end, n.nspname, c.relname, current_user)
                when c.relkind <> 'S' and base.hides_rows(c.oid) then format('row security of %I.%I may hide rows from %I', n.nspname, c.relname, current_user)
            end as refusal
        from pg_class as c
        inner join pg_namespace as n on n.oid = c.relnamespace
        cross join lateral (select n.nspname in ('base', 'identity', 'media', 'queue', 'ops')) as o (is_ours)
        where
            c.relkind in ('r', 'p', 'S') and c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
            and (p_all or o.is_ours)
            -- What an extension brings, a restore has from the extension.
            and not exists (select from pg_depend as d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    ) as t
    where t.relkind = 'r' or t.refusal is not null
    order by 1;
$$;

comment on function ops.tables_to_back_up(boolean) is $$
The tables that a backup by the caller would hold, partitions one by one; and what else pg_dump reads and the caller cannot, as a sequence.

Arguments
  p_all  those of others who live in this database, too; false: those of our rooms alone

Returns
  row_estimate  as Postgres last counted, or by its size
  refusal       why the caller cannot back it up whole, in words; null: it can
$$;
