create or replace function queue.take_ready(
    p_lane integer,
    p_lower_key double precision,
    p_lower_seq bigint,
    p_most integer
)
returns queue.claimed_batch
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_taken queue.claimed_batch;
begin
    with best as materialized (
        -- Lock the job too, and skip it if that would wait: a session that has enqueued a child of it and not committed must
        -- hold up neither this claim nor the leases that come with it.
        select r.ctid as place
        from queue.ready as r
        cross join lateral (
            select from queue.processing_jobs as j
            where j.id = r.job_id and j.status = 'queued' for no key update skip locked  -- mutant: claims wait for locked rows
        ) as job
        where r.lane = p_lane and (r.fair_key, r.seq) > (p_lower_key, p_lower_seq)
        order by r.fair_key, r.seq
        limit p_most
        for update of r skip locked
    ),
    gone as (
        delete from queue.ready as r
        where r.ctid = any(array(select b.place from best as b))
        returning r.job_id, r.fair_key, r.seq, r.ready_at, r.limits
    )
    select
        array_agg(g.job_id), array_agg(p_lane), array_agg(g.fair_key), array_agg(g.seq), array_agg(g.ready_at),
        array_agg(array_to_string(g.limits, ' '))
    into v_taken.job_ids, v_taken.lanes, v_taken.fair_keys, v_taken.seqs, v_taken.ready_ats, v_taken.limits
    from gone as g;
    return v_taken;
end;
$$;

comment on function queue.take_ready(integer, double precision, bigint, integer) is $$
Take up to p_most of the first rows of a lane out of queue.ready, behind (p_lower_key, p_lower_seq), and lock their jobs. Rows that
another session holds are passed over, never waited for. job_ids is null when there is none.
$$;
