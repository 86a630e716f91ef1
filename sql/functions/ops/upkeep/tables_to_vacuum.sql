create or replace function ops.tables_to_vacuum(p_hot boolean)
returns table (relation text, action text, size_bytes bigint, dead_rows bigint)
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
    select
        format('%I.%I', n.nspname, c.relname),
        case c.relkind when 'p' then 'analyze' else 'vacuum' end,
        -- As the last VACUUM had it: to ask for the size would wait for whoever holds the table.
        greatest(c.relpages, 0) * current_setting('block_size')::bigint,
        coalesce(s.n_dead_tup, 0)
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    left join pg_catalog.pg_stat_all_tables as s on s.relid = c.oid
    where
        n.nspname in ('base', 'identity', 'media', 'queue', 'publish', 'analytics', 'automation', 'ops', 'reelq_periodic')
        and c.relkind in ('r', 'p', 'm') and c.relpersistence <> 't' and pg_has_role(c.relowner, 'usage')
        and case
            -- More dead rows than live ones is more than any autovacuum of ours leaves: it is behind, or something holds it up.
            when p_hot then c.relkind = 'r' and s.n_dead_tup > 10000 and s.n_dead_tup > s.n_live_tup
            -- A run that was killed goes on where it was.
            else greatest(s.last_vacuum, case c.relkind when 'p' then s.last_analyze end, '-infinity') < clock_timestamp() - interval '12 hours'
        end
    order by c.relkind <> 'r', 3, 1;
$$;

comment on function ops.tables_to_vacuum(boolean) is $$
The tables of all rooms that the caller can vacuum, small ones first; what is partitioned is analysed as a whole at the end, which no autovacuum does. Without those that
were vacuumed by hand within twelve hours.

Arguments
  p_hot  only those with more than 10,000 dead rows, and more dead ones than live ones
$$;
