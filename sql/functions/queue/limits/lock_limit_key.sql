create or replace function queue.lock_limit_key(p_key text, p_wait boolean default false)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    -- 1,024 different locks at most, however many tenants there are: keys are hashed.
    if p_wait then
        perform pg_advisory_xact_lock(hashtext('reelq.limits'), hashtext(p_key) & 1023);
        return true;
    end if;
    return pg_try_advisory_xact_lock(hashtext('reelq.limits'), hashtext(p_key) & 1023);
end;
$$;

comment on function queue.lock_limit_key(text, boolean) is $$
Until the end of this transaction keep others from making the row of a limit that has none, and from consuming its events. False:
another session has the lock. p_wait, for operators' calls, waits for it instead.
$$;
