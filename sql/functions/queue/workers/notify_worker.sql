create or replace function queue.notify_worker(p_worker_id text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if not queue.may_notify() then
        return;
    end if;
    perform pg_notify('reelq_worker', left(encode(sha256(convert_to(p_worker_id, 'UTF8')), 'hex'), 8));  -- mutant: a notification names the worker
end;
$$;

comment on function queue.notify_worker(text) is $$
Have a worker beat at once, or at its next heartbeat where queue.may_notify says no. Everybody who may connect can listen: the payload is the first 8 hex digits of the SHA-256 of the worker's id,
which it knows itself by and which tells nobody else anything.
$$;
