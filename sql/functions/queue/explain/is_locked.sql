create or replace function queue.is_locked(p_job_id uuid)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_free boolean;
begin
    if pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' then
        return false; -- locks cannot be tried on a standby or in a read-only transaction
    end if;
    begin
        perform from queue.processing_jobs as j where j.id = p_job_id for no key update skip locked;
        v_free := found;
        -- Raise, so that the block is rolled back and gives up the lock that it took.
        raise exception 'looked' using errcode = 'raise_exception', hint = 'Never leaves this function.';
    exception when raise_exception then
        return not v_free;
    end;
end;
$$;

comment on function queue.is_locked(uuid) is $$
Whether another session holds the row of a job, so that claims pass it over. Takes no lock that lasts.
$$;
