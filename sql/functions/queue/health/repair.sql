create or replace function queue.repair(p_limit integer default 1000)
returns table (job_id uuid, what text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
-- Shorter than deadlock_timeout: neither we nor those who wait for us wait long.
set lock_timeout = '200ms'
as $$
declare
    v_from uuid;
    v_to uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    v_ids uuid[];
    v_found record;
    v_repaired integer := 0;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    if p_limit < 1 or p_limit is null then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 1000.';
    end if;
    select coalesce(u.place::uuid, '00000000-0000-0000-0000-000000000000') into v_from
    from queue.upkeep as u where u.task = 'repair' for no key update skip locked;
    if not found then
        return;
    end if;

    -- Take the next jobs in the order of their ids, and whatever rows the narrow tables have for ids in between.
    v_ids := array(select j.id from queue.processing_jobs as j where j.id > v_from order by j.id limit p_limit);
    if cardinality(v_ids) = p_limit then
        v_to := v_ids[p_limit];
    end if;
    update queue.upkeep as u
    set last_run_at = base.clock(), place = case when cardinality(v_ids) = p_limit then v_to::text end
    where u.task = 'repair';
    v_ids := v_ids
        || array(select n.job_id from queue.ready as n where n.job_id > v_from and n.job_id <= v_to order by n.job_id limit p_limit)
        || array(select n.job_id from queue.blocked as n where n.job_id > v_from and n.job_id <= v_to order by n.job_id limit p_limit)
        || array(select n.job_id from queue.parked as n where n.job_id > v_from and n.job_id <= v_to order by n.job_id limit p_limit)
        || array(select n.job_id from queue.leases as n where n.job_id > v_from and n.job_id <= v_to order by n.job_id limit p_limit)
        || array(select n.job_id from queue.dead_letters as n where n.job_id > v_from and n.job_id <= v_to order by n.job_id limit p_limit);

    for v_found in select s.job_id from queue.repair_scheduled(p_limit) as s loop
        v_ids := v_ids || v_found.job_id;
        v_repaired := v_repaired + 1;
        job_id := v_found.job_id;
        what := 'scheduled for another time';
        return next;
    end loop;

    for v_found in select distinct f.job_id from queue.find_faults(v_ids) as f order by f.job_id loop
        foreach what in array queue.repair_job(v_found.job_id) loop
            v_repaired := v_repaired + 1;
            job_id := v_found.job_id;
            return next;
        end loop;
    end loop;
    if v_repaired > 0 then
        update queue.upkeep as u set repairs = u.repairs + v_repaired where u.task = 'repair';
        perform base.record_act('jobs.repaired', 'job', null, p_facts => jsonb_build_object('jobs', v_repaired));
    end if;
end;
$$;

comment on function queue.repair(integer) is $$
Look at the next p_limit jobs in the order of their ids, and repair what queue.find_faults finds: rows in a place where the
job does not belong, jobs in no place, counts of parents, leases, dead letters. The next call goes on behind them
(queue.upkeep.place), or begins anew. Also looks at the p_limit scheduled rows that are due first. One caller at a time, the others
return nothing. Takes no lock that somebody else holds: such a job is left to the next round, and a sound one is never
touched. What was repaired is added to queue.upkeep.repairs, which has to stay 0: it is a bug, or somebody wrote past the
functions. Not repaired: attempts missing from the history, and queue.limits.used.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit below 1
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
