create or replace function ops.tables_to_back_up(p_all boolean default true)
returns table (table_name text, is_ours boolean, row_estimate bigint, refusal text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select
        format('%I.%I', n.nspname, c.relname), o.is_ours, greatest(c.reltuples::bigint, pg_relation_size(c.oid) / 200),
        case
            when not has_table_privilege(c.oid, 'select') then format('%I.%I cannot be read by %I', n.nspname, c.relname, current_user)
            -- Of ours the owner has a policy that shows all rows; ops.health() tells when it is missing.
            when row_security_active(c.oid) and not (o.is_ours and exists (
                select from pg_policy as p where p.polrelid = c.oid and p.polname = 'owner_sees_all' and p.polroles = array[c.relowner]
            ) and c.relowner = current_user::regrole)
                then format('row security of %I.%I may hide rows from %I', n.nspname, c.relname, current_user)
        end
    from pg_class as c
    inner join pg_namespace as n on n.oid = c.relnamespace
    cross join lateral (select n.nspname in ('base', 'identity', 'media', 'queue', 'ops')) as o (is_ours)
    where
        c.relkind = 'r' and c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
        and (p_all or o.is_ours)
        -- What an extension brings, a restore has from the extension.
        and not exists (select from pg_depend as d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by 1;
$$;

comment on function ops.tables_to_back_up(boolean) is $$
The tables that a backup by the caller would hold, partitions one by one.

Arguments
  p_all  those of others who live in this database, too; false: those of our rooms alone

Returns
  row_estimate  as Postgres last counted, or by its size
  refusal       why the caller cannot back it up whole, in words; null: it can
$$;
