create or replace function queue.park_held()
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_now timestamptz := base.clock();
    v_old uuid[];
    v_free uuid[];
    v_ids uuid[];
    v_gates text[];
    v_limits text;
begin
    v_old := array(
        select r.job_id from queue.ready as r
        where r.limits is not null and r.ready_at < v_now - interval '10 seconds'
        order by r.lane, r.flow, r.fair_key
        limit 1000
    );
    if v_old = '{}' then
        return 0;
    end if;
    begin
        -- Only to see whose records nobody holds: other claims must not pass over them meanwhile, so the locks are given up at once.
        v_free := array(
            select job.id from unnest(v_old) as o (id)
            cross join lateral (select j.id from queue.processing_jobs as j where j.id = o.id for no key update skip locked) as job
        );
        raise exception 'looked' using errcode = 'raise_exception', hint = 'Never leaves this function.';
    exception
        when raise_exception then
            null;
    end;
    -- The place alone is locked, as by what makes a due job ready. Who holds the record and wants the place too waits for this, and then
    -- finds the job where it is parked: from there nobody moves a job whose record is held.
    with held as materialized (
        select one.place
        from unnest(v_old) as o (id)
        cross join lateral (
            select r.ctid as place from queue.ready as r where r.job_id = o.id and r.limits is not null for update skip locked
        ) as one
        where o.id <> all(v_free)  -- mutant: what nobody holds loses its permit
    ),
    gone as (
        delete from queue.ready as r where r.ctid = any(array(select h.place from held as h))
        returning r.job_id, r.seq, r.limits
    )
    select array_agg(g.job_id order by g.seq), array_agg(g.limits[1] order by g.seq), string_agg(array_to_string(g.limits, ' '), ' ')
    into v_ids, v_gates, v_limits
    from gone as g;
    if v_ids is null then
        return 0;
    end if;
    perform queue.park_jobs(v_ids, v_gates, true);
    perform queue.release_permits(string_to_array(v_limits, ' '));  -- mutant: a session keeps the permits of others
    return cardinality(v_ids);
end;
$$;

comment on function queue.park_held() is $$
Park ready jobs that hold permits and that no claim can take, because a session that has not ended its transaction holds their records, as one
that has enqueued a job that waits for them: others have the permits meanwhile. Of the first thousand that have been ready for 10 seconds. What a
session is about to cancel or to move stays as it is. Returns how many were parked.
$$;
