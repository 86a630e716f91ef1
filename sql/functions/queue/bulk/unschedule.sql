create or replace function queue.unschedule(p_job_ids uuid[])
returns uuid[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_gone uuid[];
begin
    with places as materialized (
        select s.place
        from unnest(p_job_ids) as w (id)
        cross join lateral (select j.scheduled_for from queue.processing_jobs as j where j.id = w.id offset 0) as j
        cross join lateral (
            select s.ctid as place from queue.scheduled as s where s.due = j.scheduled_for and s.job_id = w.id offset 0
        ) as s
    ),
    gone as (
        delete from queue.scheduled as s where s.ctid = any(array(select p.place from places as p)) returning s.job_id  -- mutant: a narrow row stays behind
    )
    select coalesce(array_agg(g.job_id order by g.job_id), '{}') into v_gone from gone as g;
    return v_gone;
end;
$$;

comment on function queue.unschedule(uuid[]) is $$
Take jobs, which are locked, out of queue.scheduled; returns those that stood there. To be called before their time is changed.
$$;
