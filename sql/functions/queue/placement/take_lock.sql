create or replace function queue.take_lock(p_name text, p_key text default null, p_wait boolean default false)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_bucket integer := coalesce(hashtext(p_key) & 255, 0);
begin
    if p_wait then
        perform from queue.locks as l where l.name = p_name and l.bucket = v_bucket for update;
    else
        perform from queue.locks as l where l.name = p_name and l.bucket = v_bucket for update skip locked;
    end if;
    return found;
end;
$$;

comment on function queue.take_lock(text, text, boolean) is $$
Lock a row of queue.locks until the end of the transaction. False: another session has it; p_wait waits for that instead.

Arguments
  p_key  which of many; keys share 256 locks by their hash. Only for callers whose transactions are short: operators and workers
$$;
