create or replace function queue.acquire_permits(p_keys text[])
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_key text;
    v_limit queue.limits;
begin
    foreach v_key in array p_keys loop
        select * into v_limit from queue.limits as l where l.limit_key = v_key for no key update skip locked;
        if not found or not v_limit.counted then
            -- Another session holds the row, or the tenant has no row yet: park the job behind this gate, where it is looked at again.
            return v_key;
        end if;
        -- Permits that were released but not yet taken in by process_gate still count as used.
        if v_limit.used >= coalesce(  -- mutant: a limit lets one more in
            v_limit.max_running, (select l.max_running from queue.limits as l where l.limit_key = 'tenant:*'), 0
        ) then
            return v_key;
        end if;
    end loop;
    update queue.limits as l set used = l.used + 1 where l.limit_key = any(p_keys);
    return null;
end;
$$;

comment on function queue.acquire_permits(text[]) is $$
Acquire a permit of each of these limits, or of none. Returns null when it has them all, else the limit that has none left or whose row
another session holds. Never waits.
$$;
