create or replace function queue.concat_batches(p_one queue.claimed_batch, p_other queue.claimed_batch)
returns queue.claimed_batch
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select
        p_one.job_ids || p_other.job_ids, p_one.lanes || p_other.lanes, p_one.fair_keys || p_other.fair_keys,
        p_one.seqs || p_other.seqs, p_one.ready_ats || p_other.ready_ats, p_one.limits || p_other.limits;
$$;

comment on function queue.concat_batches(queue.claimed_batch, queue.claimed_batch) is $$
Two batches as one, the first one's jobs first.
$$;
