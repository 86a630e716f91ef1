create or replace function queue.depth()
returns table (job_type text, ready integer, scheduled integer, blocked integer, parked integer, running integer, dead integer, at_least text[])
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
    ),
    stopped as (
        select array_agg(p.place) as places
        from (select c.place from counted as c where c.place <> 'ready' group by c.place having count(*) >= 10000 order by c.place) as p
    )
    select
        c.job_type,
        (count(*) filter (where c.place = 'ready'))::integer,
        (count(*) filter (where c.place = 'scheduled'))::integer,
        (count(*) filter (where c.place = 'blocked'))::integer,
        (count(*) filter (where c.place = 'parked'))::integer,
        (count(*) filter (where c.place = 'running'))::integer,
        (count(*) filter (where c.place = 'dead'))::integer,
        -- A lane of its own or several: from 10,000 ready ones on one of them may have been cut.
        case when count(*) filter (where c.place = 'ready') >= 10000 then '{ready}'::text[] else '{}' end || coalesce(s.places, '{}')
    from counted as c
    cross join stopped as s
    cross join base.check_operator()
    group by c.job_type, s.places
    order by c.job_type;
$$;

comment on function queue.depth() is $$
How many jobs of each type are where. Counting stops at 10,000 a lane, and at 10,000 a place for the
others, so that the question stays cheap: at_least names the places where it stopped, of which there are so many or more. For operators, as it counts every tenant's.

Raises
  42501  the caller is no operator
$$;
