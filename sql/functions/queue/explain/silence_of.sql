create or replace function queue.silence_of(p_lease queue.leases)
returns interval
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_heard timestamptz := greatest(p_lease.beat_at, (select w.last_beat_at from queue.workers as w where w.worker_id = p_lease.worker_id));
begin
    -- A worker beats every two seconds by default.
    return case when v_heard < base.clock() - interval '15 seconds' then base.clock() - v_heard end;  -- mutant: explain does not see a silent worker
end;
$$;

comment on function queue.silence_of(queue.leases) is $$
How long nothing was heard of the worker that holds a lease; null when it was heard of within 15 seconds.
$$;
