create or replace function queue.retryable_jobs(p_job_ids uuid[])
returns uuid[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_left uuid[] := p_job_ids;
    v_stuck uuid[];
begin
    loop
        v_stuck := array(
            select distinct d.job_id
            from queue.job_dependencies as d
            where
                d.job_id = any(v_left) and not d.satisfied and d.parent_id <> all(v_left)
                and coalesce((select parent.status from queue.processing_jobs as parent where parent.id = d.parent_id), 'gone')
                not in ('queued', 'running', 'completed')
        );
        exit when v_stuck = '{}';
        v_left := array(select job from unnest(v_left) as job where job <> all(v_stuck) order by job);
    end loop;
    return v_left;
end;
$$;

comment on function queue.retryable_jobs(uuid[]) is $$
Of these jobs, those that can be retried together: they wait for no failed or cancelled job outside the list.
$$;
