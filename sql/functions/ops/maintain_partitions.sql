create or replace function ops.maintain_partitions(p_dry_run boolean default false)
returns table (parent text, partition text, action text, statement text, done boolean, detail text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
set timezone = 'UTC'
as $$
declare
    v_policy ops.partition_policies;
    v_table record;
begin
    if not queue.take_lock('partitions') then
        return query select null::text, null::text, 'busy', null::text, false, 'another session is at it';
        return;
    end if;
    for v_policy in select * from ops.partition_policies as p order by p.parent loop
        select c.relowner::regrole::text as owner, pg_has_role(c.relowner, 'usage') and has_schema_privilege(c.relnamespace, 'create') as is_ours into v_table
        from pg_catalog.pg_class as c
        where c.oid = to_regclass(v_policy.parent) and c.relkind = 'p';
        if not found then
            return query select v_policy.parent, null::text, 'skip', null::text, false, 'there is no partitioned table of that name';
            continue;
        elsif not v_table.is_ours then  -- one of an application must not hold up the others
            return query select
                v_policy.parent, null::text, 'skip', null::text, false,
                format('it is of %s: partitions are made by its owner, who may create in its schema, and that has to be %I, or a role it is a member of', v_table.owner, current_user);
            continue;
        end if;
        return query select m.* from ops.make_ahead(v_policy, p_dry_run) as m;
        return query select m.* from ops.drop_retired(v_policy, p_dry_run) as m;
        return query select m.* from ops.retire_partitions(v_policy, p_dry_run) as m;
    end loop;
end;
$$;

comment on function ops.maintain_partitions(boolean) is $$
Make the partitions of the months to come, and drop those whose retention has ended; a row for each step. Detaching
CONCURRENTLY blocks nobody, but runs outside functions and transactions only, so that it comes back as a
statement, to be run as it is, one after the other; the next call drops what it detached. `reelq partitions maintain`
does all of it. In psql, as the owner of the tables:

  select statement from ops.maintain_partitions() where statement is not null \gexec
  select * from ops.maintain_partitions();

Safe to run twice, at once, or again after it was killed half-way.

Arguments
  p_dry_run  only tell

Returns
  action     make, detach, finalize (end a detaching that was interrupted), drop, keep (attached again: no longer retired),
             skip (no such table, or another's), busy (another session is at it)
  statement  what the caller has to run, for detach and finalize
  done       whether the step is done; if not, the next call tries again
  detail     why not
$$;
