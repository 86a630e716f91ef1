create or replace function queue.park_gated(p_batch queue.claimed_batch)
returns queue.claimed_batch
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_gates text[];
    v_released text;
    v_parked uuid[];
    v_kept queue.claimed_batch;
begin
    v_gates := array(
        select coalesce(
            g.pause,
            (select min(k) from unnest(g.limits) as k where k <> all(coalesce(string_to_array(p_batch.limits[g.place], ' '), '{}')))
        )
        from queue.find_gates(p_batch.job_ids) as g
        order by g.place
    );
    select array_agg(b.id order by b.n), string_agg(b.limits, ' ') into v_parked, v_released
    from unnest(p_batch.job_ids, v_gates, p_batch.limits) with ordinality as b (id, gate, limits, n)
    where b.gate is not null;
    if v_parked is null then
        return p_batch;
    end if;
    perform queue.release_permits(string_to_array(v_released, ' '));
    perform queue.park_jobs(v_parked, array(select g from unnest(v_gates) with ordinality as w (g, n) where g is not null order by n), true);  -- mutant: a backlog of before goes behind the new ones

    select array_agg(b.id), array_agg(b.lane), array_agg(b.fair_key), array_agg(b.seq), array_agg(b.ready_at), array_agg(b.limits)
    into v_kept.job_ids, v_kept.lanes, v_kept.fair_keys, v_kept.seqs, v_kept.ready_ats, v_kept.limits
    from unnest(p_batch.job_ids, p_batch.lanes, p_batch.fair_keys, p_batch.seqs, p_batch.ready_ats, p_batch.limits, v_gates)
        as b (id, lane, fair_key, seq, ready_at, limits, gate)
    where b.gate is null;
    return v_kept;
end;
$$;

comment on function queue.park_gated(queue.claimed_batch) is $$
Of the jobs that a claim has taken, park those that a gate holds, as they became ready before a pause or a limit was set; return the
others. A claim meets each such job once, as it is parked then.
$$;
