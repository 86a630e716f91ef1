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
    -- Those that wait for a failed or cancelled job outside the list, and whoever waits for these within it.
    with recursive listed as materialized (
        select l.id from unnest(p_job_ids) as l (id)
    ),
    edges as materialized (
        select d.job_id, d.parent_id, l.id is not null as is_inside
        from queue.job_dependencies as d
        left join listed as l on l.id = d.parent_id
        where d.job_id = any(p_job_ids) and not d.satisfied
    ),
    stuck (id) as (
        select e.job_id from edges as e
        where
            not e.is_inside
            and coalesce((select parent.status from queue.processing_jobs as parent where parent.id = e.parent_id), 'gone')
            not in ('queued', 'running', 'completed')
        union
        -- A parent that had ended and was archived before the job came has left no edge.
        select l.id from listed as l where queue.archived_parent(l.id) is not null  -- mutant: a job comes back without its archived parent
        union
        select e.job_id from stuck as s inner join edges as e on e.parent_id = s.id
    )
    select array_agg(s.id) into v_stuck from stuck as s;
    if v_stuck is not null then
        v_left := array(select l from unnest(p_job_ids) as l except select s from unnest(v_stuck) as s order by 1);
    end if;
    return v_left;
end;
$$;

comment on function queue.retryable_jobs(uuid[]) is $$
Of these jobs, those that can be retried together: they wait for no failed or cancelled job outside the list.
$$;
