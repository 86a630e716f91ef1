create or replace function queue.job_source(p_filter queue.job_filter)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_only constant text := case when cardinality(p_filter.statuses) = 1 then p_filter.statuses[1] end;
    v_narrow text := case
        when v_only = 'running' then 'leases'
        when v_only = 'failed' then 'dead_letters'
        when p_filter.place in ('scheduled', 'backing off', 'not due') then 'scheduled'
        else p_filter.place
    end;
    v_wide constant text := case when p_filter.user_id is not null then 'user' else 'tenant' end;
    v_small boolean;
begin
    if p_filter.job_ids is not null then
        return 'ids';
    elsif p_filter.video_id is not null then
        return 'video';
    elsif v_narrow = 'leases' then
        return v_narrow;
    elsif v_narrow is not null and p_filter.tenant_id is not null then
        -- A tenant's jobs among those of all others, or those in this place among the tenant's: whichever is known to be few.
        execute format('select count(*) <= 10000 from (select from queue.%I limit 10001) as capped', v_narrow) into v_small;
        return case when not v_small then v_wide when v_narrow = 'dead_letters' then 'dead_ids' else v_narrow end;
    end if;
    return coalesce(v_narrow, case
        when p_filter.tenant_id is not null then v_wide
        when v_only = 'completed' then 'completed'
        else 'jobs'
    end);
end;
$$;

comment on function queue.job_source(queue.job_filter) is $$
Where jobs of a filter are looked for: the smallest table or index that holds all of them. ids, video, tenant, user and jobs are the record by
the ids given or by its indexes; completed are the attempts; else a narrow table, dead_ids for dead_letters in the order of ids.
$$;
