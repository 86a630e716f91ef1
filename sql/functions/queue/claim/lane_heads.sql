create or replace function queue.lane_heads(
    p_worker queue.workers,
    p_limit integer,
    p_paused text[],
    p_now timestamptz,
    p_lanes integer[],
    p_fair_keys double precision[],
    p_seqs bigint[]
)
returns table (
    lane integer, job_type text, weight integer, batch integer, lower_key double precision, lower_seq bigint,
    ready_at timestamptz, peers bigint
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        lane.lane, lane.job_type, lane.weight, lane.batch, lane.lower_key, lane.lower_seq, head.ready_at,
        count(*) over (partition by lane.priority - floor(extract(epoch from p_now - head.ready_at) / 3600)) as peers
    from (
        select
            l.lane, l.job_type, l.weight, l.priority, t.batch,
            coalesce(p_fair_keys[array_position(p_lanes, l.lane)], '-infinity') as lower_key,  -- mutant: a full look from where the lane is
            coalesce(p_seqs[array_position(p_lanes, l.lane)], 0) as lower_seq
        from queue.lanes as l
        inner join queue.job_types as t on t.job_type = l.job_type
        where
            (p_worker.types is null or l.job_type = any(p_worker.types))
            and l.needs <@ p_worker.capabilities  -- mutant: needs are ignored
            and l.weight <= greatest(p_limit, p_worker.slots)
            and l.job_type <> all(p_paused)  -- mutant: a pause of a type is not heeded
    ) as lane
    cross join lateral (
        select r.fair_key, r.seq, r.ready_at
        from queue.ready as r
        where r.lane = lane.lane and (r.fair_key, r.seq) > (lane.lower_key, lane.lower_seq)
        order by r.fair_key, r.seq
        limit 1
    ) as head
    order by lane.priority - floor(extract(epoch from p_now - head.ready_at) / 3600), head.seq;  -- mutant: no ageing
end;
$$;

comment on function
queue.lane_heads(queue.workers, integer, text[], timestamptz, integer[], double precision[], bigint[]) is $$
The lanes that a worker may take from and that have a ready job, most urgent first. A job counts as one priority higher for every
hour that it has been ready, so that the last is served too.

Arguments
  p_limit   slots that are free
  p_paused  job types that are paused
  p_lanes, p_fair_keys, p_seqs   lower bounds, see queue.claim_jobs

Returns
  lower_key, lower_seq  the place behind which the lane is read
  ready_at              since when its first job is ready
  peers                 how many lanes are as urgent as this one, itself included
$$;
