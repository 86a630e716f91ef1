create or replace function queue.delete_jobs(p_job_ids uuid[])
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_ids uuid[];
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    if p_job_ids is null or cardinality(p_job_ids) > 10000 then
        raise exception 'job ids must be an array of at most 10000, not %', coalesce(cardinality(p_job_ids)::text, 'null')
            using errcode = 'RQ008', hint = 'All is one transaction: call it several times, as with array(select id from queue.processing_jobs where … limit 1000).';
    end if;
    v_ids := array(select j.id from queue.processing_jobs as j where j.id = any(p_job_ids) order by j.id for update);  -- mutant: a delete of several locks as it goes
    delete from queue.processing_jobs as j where j.id = any(v_ids);
    if v_ids <> '{}' then
        perform base.record_act('jobs.deleted', 'job', null, p_facts => jsonb_build_object('jobs', cardinality(v_ids)));
    end if;
    return cardinality(v_ids);
end;
$$;

comment on function queue.delete_jobs(uuid[]) is $$
Delete jobs, whatever their state, with their places and attempts, as if they had never been: a worker that runs one learns from its next heartbeat
that it is lost, and those that wait for one are dealt with as if it had failed. Locks them in the order of their ids, as every function does; a DELETE of
several jobs locks them as its plan goes, and may deadlock. For the owner alone. Returns how many there were; ids of others count for nothing.

  select queue.delete_jobs(array(select id from queue.processing_jobs where job_type = 'no_op' and status = 'cancelled' limit 1000));

Arguments
  p_job_ids  10,000 at most

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  null, or more
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
