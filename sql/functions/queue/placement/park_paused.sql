create or replace function queue.park_paused()
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_ids uuid[];
    v_types text[];
    v_limits text;
begin
    with gone as (
        delete from queue.ready as r
        where r.ctid = any(array(
            select held.ctid
            from queue.pauses as p
            inner join queue.lanes as l on l.job_type = p.key
            inner join queue.ready as held on held.lane = l.lane
            inner join queue.processing_jobs as j on j.id = held.job_id
            where p.scope = 'job_type' and held.limits is not null
            for update of held skip locked for no key update of j skip locked
        ))
        returning r.job_id, r.lane, r.seq, array_to_string(r.limits, ' ') as limits
    )
    select array_agg(g.job_id order by g.seq), array_agg(l.job_type order by g.seq), string_agg(g.limits, ' ')
    into v_ids, v_types, v_limits
    from gone as g inner join queue.lanes as l on l.lane = g.lane;
    if v_ids is not null then
        perform queue.park_jobs(v_ids, array(select 'pause:job_type:' || t from unnest(v_types) with ordinality as w (t, n) order by n));
        perform queue.release_permits(string_to_array(v_limits, ' '));
    end if;
end;
$$;

comment on function queue.park_paused() is $$
Park ready jobs of paused types that hold permits of limits, so that other types of their tenants can use these. Also what became ready
beside the pause, in a transaction that did not see it yet.
$$;
