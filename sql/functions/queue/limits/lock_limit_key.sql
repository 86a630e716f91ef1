create or replace function queue.lock_limit_key(p_key text, p_wait boolean default false)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    return queue.take_lock('limit', p_key, p_wait);
end;
$$;

comment on function queue.lock_limit_key(text, boolean) is $$
Until the end of this transaction keep others from making the row of a limit that has none, and from consuming its events. False:
another session has the lock. p_wait, for operators' calls, waits for it instead.
$$;
