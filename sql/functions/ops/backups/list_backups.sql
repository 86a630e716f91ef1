create or replace function ops.list_backups(p_all boolean default false, p_limit integer default 100)
returns setof ops.backups
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select b.* from ops.backups as b
    where base.is_operator() and (p_all or (b.pruned_at is null and (b.status <> 'failed' or b.began_at > base.clock() - interval '7 days')))
    order by b.began_at desc, b.id desc
    limit p_limit;
$$;

comment on function ops.list_backups(boolean, integer) is $$
Backups of this database, newest first: those that are there, that run, and that failed within a week. For operators; others see none.

Arguments
  p_all    those that were pruned or failed long ago, too
  p_limit  at most so many
$$;
