create or replace function queue.park_ahead(p_lane integer, p_lower_key double precision, p_lower_seq bigint, p_most integer)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
    v_held uuid[];
    v_taken queue.claimed_batch;
    v_kept queue.claimed_batch;
begin
    -- Look without locks, so that no other claim passes over the jobs that no gate holds.
    v_held := array(
        select g.job_id
        from queue.find_gates(array(
            select r.job_id from queue.ready as r
            where r.lane = p_lane and (r.fair_key, r.seq) > (p_lower_key, p_lower_seq) and r.limits is null
            order by r.fair_key, r.seq
            limit p_most
        )) as g
        where g.pause is not null or g.limits is not null
    );
    with locked as materialized (
        select r.ctid as place
        from unnest(v_held) as held (job_id)
        cross join lateral (
            -- Since that look it may have come back with a permit.
            select one.ctid, one.job_id from queue.ready as one where one.job_id = held.job_id and one.limits is null for update skip locked  -- mutant: a permit is lost in the backlog
        ) as r
        cross join lateral (
            select from queue.processing_jobs as j
            where j.id = r.job_id and j.status = 'queued' for no key update skip locked
        ) as job
    ),
    gone as (
        delete from queue.ready as r
        where r.ctid = any(array(select l.place from locked as l))
        returning r.job_id, r.fair_key, r.seq, r.ready_at, r.limits
    )
    select
        array_agg(g.job_id order by g.fair_key, g.seq), array_agg(p_lane), array_agg(g.fair_key order by g.fair_key, g.seq),
        array_agg(g.seq order by g.fair_key, g.seq), array_agg(g.ready_at order by g.fair_key, g.seq),
        array_agg(array_to_string(g.limits, ' ') order by g.fair_key, g.seq)
    into v_taken.job_ids, v_taken.lanes, v_taken.fair_keys, v_taken.seqs, v_taken.ready_ats, v_taken.limits
    from gone as g;
    if v_taken.job_ids is null then
        return 0;
    end if;
    v_kept := queue.park_gated(v_taken);
    if v_kept.job_ids is not null then
        -- Their gate was taken away between the two looks.
        perform queue.admit_jobs(v_kept.job_ids);
    end if;
    return cardinality(v_taken.job_ids);
end;
$$;

comment on function queue.park_ahead(integer, double precision, bigint, integer) is $$
Of the first p_most rows of a lane behind (p_lower_key, p_lower_seq) that hold no permit, park those that a gate holds; the others stay
where they are, and are not locked. For a backlog from before a limit or a pause. Returns how many were parked.
$$;
