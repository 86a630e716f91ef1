create or replace function queue.ensure_history_partitions(p_job_ids uuid[], p_now timestamptz)
returns uuid[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set timezone = 'UTC'
set lock_timeout = '1s'
as $$
declare
    v_left uuid[] := p_job_ids;
    v_missing record;
begin
    for v_missing in
        with needed as (
            select 'queue.job_history'::regclass as parent, date_trunc('month', j.completed_at) as month, array_agg(j.id) as job_ids
            from queue.processing_jobs as j
            where j.id = any(p_job_ids)
            group by 2
            union all
            select 'queue.attempt_history'::regclass, date_trunc('month', a.ended_at), array_agg(a.job_id)
            from queue.job_attempts as a
            where a.job_id = any(p_job_ids)
            group by 2
            union all
            select 'queue.dependency_history'::regclass, date_trunc('month', p_now), p_job_ids
            where exists (select from queue.job_dependencies as d where d.parent_id = any(p_job_ids) or d.job_id = any(p_job_ids))
        )
        select n.parent, n.month, n.job_ids
        from needed as n
        where not exists (
            select from base.partitions(n.parent) as p where p.since <= n.month and n.month < p.until and not p.detaching
        )
        order by 1, 2
    loop
        begin
            perform base.make_partition(v_missing.parent, v_missing.month::date);
        exception
            -- An ANALYZE or another session that makes partitions holds the lock: archive nothing in this call.
            when lock_not_available then
                return null;
            -- The partition of that month is being detached: leave the jobs that need it.
            when invalid_object_definition then
                v_left := array(select l from unnest(v_left) as l where l <> all(v_missing.job_ids) order by l);
        end;
    end loop;
    return v_left;
end;
$$;

comment on function queue.ensure_history_partitions(uuid[], timestamptz) is $$
Make the partitions of the history that these jobs need and that upkeep has not made, and return the jobs that have all of theirs. Null:
one is missing, and another session keeps it from being made at this moment.
$$;
