create or replace function ops.settle_restored(p_backup_id uuid)
returns table (jobs_released bigint, workers_stopped bigint)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_lease record;
begin
    perform base.check_read_committed();
    jobs_released := 0;
    for v_lease in select l.job_id, l.token from queue.leases as l order by l.job_id loop
        perform queue.release_job(v_lease.job_id, v_lease.token, 'The database was restored from a backup.');
        jobs_released := jobs_released + 1;
    end loop;
    select count(queue.deregister_worker(w.worker_id)) into workers_stopped
    from queue.workers as w where w.status in ('active', 'draining');
    -- The database of which it is a copy may be at work, with the same store, the same endpoints and the same users.
    if not exists (select from queue.pauses as p where p.scope = 'all') then
        perform queue.pause('all', '', 'This database was restored from a backup. Resume it when it takes the place of the one that it is a copy of.');
    end if;
    perform base.record_act('backup.restored', 'backup', p_backup_id::text, null, null, null, jsonb_build_object('jobs_released', jobs_released));
    return next;
end;
$$;

comment on function ops.settle_restored(uuid) is $$
What a database needs that was just restored, before workers come: jobs that ran at the time of the backup go back to the queue, charged nothing, and the workers of that time
have to register again, so that none that has outlived it reports to a lease of then. All is paused, until somebody says by queue.resume('all') that this database is no copy
beside another one: no job begins, and no object is deleted or moved.

Raises
  RQ002  the caller is not READ COMMITTED
$$;
