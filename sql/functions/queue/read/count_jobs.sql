create or replace function queue.count_jobs(
    p_status text default null,
    p_job_type text default null,
    p_video_id uuid default null,
    p_place text default null,
    p_code text default null,
    p_tenant text default null,
    p_since timestamptz default null,
    p_until timestamptz default null,
    p_pool text default null,
    p_worker text default null,
    p_priority integer default null
)
returns table (jobs integer, is_all boolean)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_filter constant queue.job_filter := queue.make_filter(
        'list', queue.visible_tenant(), p_status, p_job_type, p_video_id, p_place, p_code, p_tenant, p_since, p_until, p_pool, p_worker, p_priority, null, true
    );
    v_source constant text := queue.job_source(v_filter);
    v_most constant integer := 10000;
    v_step record;
    v_found integer := 0;
    v_looked integer := 0;
    v_at timestamptz;
    v_id uuid;
begin
    loop
        select f.* into v_step from queue.find_jobs(v_filter, v_source, true, v_at, v_id, v_most + 1, v_most + 1 - v_found) as f;
        v_found := v_found + cardinality(v_step.job_ids);
        v_looked := v_looked + v_step.looked;
        v_at := v_step.last_at;
        v_id := v_step.last_id;
        exit when v_step.is_end or v_found > v_most or v_looked >= 100000;
    end loop;
    if v_step.is_end and v_found <= v_most and coalesce(p_status, 'failed') not in ('queued', 'running')
        and num_nonnulls(p_place, p_pool, p_worker, p_priority) = 0
    then
        v_found := v_found + (
            select count(*) from queue.list_history(
                p_status, p_job_type, p_video_id,
                coalesce(p_since, case when p_job_type is not null and p_video_id is null then base.clock() - interval '31 days' end),
                v_most + 1 - v_found, p_tenant, p_until, p_code
            )
        );
    end if;
    return query select least(v_found, v_most), v_step.is_end and v_found <= v_most;
end;
$$;

comment on function queue.count_jobs(
    text, text, uuid, text, text, text, timestamptz, timestamptz, text, text, integer
) is $$
How many jobs queue.list_jobs has for the same arguments, with those of the history that it shows. Counting stops at 10,000, and after some
100,000 that were looked at: then is_all is false, and there may be more.

Raises what queue.list_jobs raises.
$$;
