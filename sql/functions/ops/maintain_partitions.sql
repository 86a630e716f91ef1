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
begin
    if not pg_try_advisory_xact_lock(hashtext('reelq.maintain_partitions')) then
        return query select null::text, null::text, 'busy', null::text, false, 'another session is at it';
        return;
    end if;
    for v_policy in select * from ops.partition_policies as p order by p.parent loop
        if not exists (select from pg_catalog.pg_class as c where c.oid = to_regclass(v_policy.parent) and c.relkind = 'p') then
            return query select v_policy.parent, null::text, 'skip', null::text, false, 'there is no partitioned table of that name';
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
             skip (no such table), busy (another session is at it)
  statement  what the caller has to run, for detach and finalize
  done       whether the step is done; if not, the next call tries again
  detail     why not
$$;
