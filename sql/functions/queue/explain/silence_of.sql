create or replace function queue.silence_of(p_lease queue.leases)
returns interval
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_heard timestamptz;
    v_after interval;
begin
    select greatest(p_lease.beat_at, max(w.last_beat_at)), queue.silent_after(max(w.beat_interval)) into v_heard, v_after
    from queue.workers as w where w.worker_id = p_lease.worker_id;
    return case when v_heard < base.clock() - v_after then base.clock() - v_heard end;
end;
$$;

comment on function queue.silence_of(queue.leases) is $$
How long nothing was heard of the worker that holds a lease; null when it was heard of as lately as
it means to beat, see queue.silent_after.
$$;
