create or replace function queue.find_or_create_lane(p_job_type text, p_priority smallint, p_weight integer, p_needs text[])
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
as $$
declare
    v_lane integer;
begin
    select min(l.lane) into v_lane
    from queue.lanes as l
    where l.job_type = p_job_type and l.priority = p_priority and l.weight = p_weight and l.needs = p_needs;
    if v_lane is null then
        insert into queue.lanes (job_type, priority, weight, needs)
        values (p_job_type, p_priority, p_weight, p_needs)
        returning lanes.lane into v_lane;
        insert into queue.lane_clocks (lane, virtual_time, moved_at) values (v_lane, 0, '-infinity');
    end if;
    return v_lane;
end;
$$;

comment on function queue.find_or_create_lane(text, smallint, integer, text[]) is $$
The lane of a kind of work; made when there is none. Ask once a kind and statement, not once a job.
$$;
