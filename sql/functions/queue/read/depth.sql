create or replace function queue.depth()
returns table (job_type text, ready integer, scheduled integer, blocked integer, parked integer, running integer, dead integer)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    with counted (job_type, place) as (
        select l.job_type, 'ready'
        from queue.lanes as l
        cross join lateral (select from queue.ready as r where r.lane = l.lane limit 10000) as capped
        union all
        (select s.job_type, 'scheduled' from queue.scheduled as s limit 10000)
        union all
        (select b.job_type, 'blocked' from queue.blocked as b limit 10000)
        union all
        (select p.job_type, 'parked' from queue.parked as p limit 10000)
        union all
        (select l.job_type, 'running' from queue.leases as l limit 10000)
        union all
        (select d.job_type, 'dead' from queue.dead_letters as d limit 10000)
    )
    select
        c.job_type,
        (count(*) filter (where c.place = 'ready'))::integer,
        (count(*) filter (where c.place = 'scheduled'))::integer,
        (count(*) filter (where c.place = 'blocked'))::integer,
        (count(*) filter (where c.place = 'parked'))::integer,
        (count(*) filter (where c.place = 'running'))::integer,
        (count(*) filter (where c.place = 'dead'))::integer
    from counted as c
    group by c.job_type
    order by c.job_type;
$$;

comment on function queue.depth() is $$
How many jobs of each type are where. Counting stops at 10,000 a lane, and at 10,000 a place for the
others, so that the question stays cheap.
$$;
