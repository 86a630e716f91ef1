create or replace function queue.lock_limit_key(p_key text, p_wait boolean default false)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
    -- So many locks at most, however many tenants there are.
    if p_wait then
        perform pg_advisory_xact_lock(hashtext('reelq.limits'), hashtext(p_key) & 1023);
        return true;
    end if;
    return pg_try_advisory_xact_lock(hashtext('reelq.limits'), hashtext(p_key) & 1023);
end;
$$;

comment on function queue.lock_limit_key(text, boolean) is $$
Keep others from making the row of a limit that has none, and from taking in what comes back to it, until this transaction
ends. False: another session does so; only an operator's call waits for it.
$$;
