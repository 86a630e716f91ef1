create or replace function queue.decrement_pending(p_children uuid[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
    v_free uuid[];
begin
    -- Lock in the order of ids, so that two parents that complete together cannot deadlock over common children.
    perform from queue.blocked as b where b.job_id = any(p_children) order by b.job_id for update;
    with counted as (
        select c.job_id, count(*)::integer as n from unnest(p_children) as c (job_id) group by c.job_id
    ),
    freed as (
        delete from queue.blocked as b using counted as c
        where b.job_id = c.job_id and b.pending <= c.n
        returning b.job_id
    ),
    waiting as (
        update queue.blocked as b set pending = b.pending - c.n  -- mutant: a parent counts once for two
        from counted as c
        where b.job_id = c.job_id and b.pending > c.n
    )
    select array_agg(f.job_id order by f.job_id) into v_free from freed as f;
    if v_free is not null then
        perform queue.schedule_or_admit(v_free);
    end if;
end;
$$;

comment on function queue.decrement_pending(uuid[]) is $$
Count down the open edges of blocked jobs, by one for each time a job stands in the list. Those with none left become ready, scheduled
or parked.
$$;
