create or replace function queue.still_fitting(p_job_ids uuid[], p_filter queue.job_filter)
returns uuid[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_filter queue.job_filter := p_filter;
    v_found record;
begin
    if p_filter is null or p_job_ids = '{}' then
        return p_job_ids;
    end if;
    v_filter.job_ids := p_job_ids;
    select f.* into v_found from queue.find_jobs(v_filter, 'ids', false, null, null, cardinality(p_job_ids), cardinality(p_job_ids)) as f;
    return v_found.job_ids;
end;
$$;

comment on function queue.still_fitting(uuid[], queue.job_filter) is $$
Those of the jobs that a filter still chooses. A bulk change looks for jobs first and locks them then: one that began to run, or ended,
in between is no longer what was asked for. Whoever changes jobs asks when he has locked them.
$$;
