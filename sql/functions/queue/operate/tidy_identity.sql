create or replace function queue.tidy_identity(p_limit integer default 1000)
returns table (trials integer, quotas integer, counters integer)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'How much of each one call does.';
    end if;
    -- One at a time, as with the rest of the upkeep.
    perform from queue.upkeep as u where u.task = 'identity' for no key update skip locked;
    if not found then
        return query select 0, 0, 0;
        return;
    end if;
    perform identity.tell_trial_ends(p_limit);
    perform identity.tell_key_expiries(p_limit);
    trials := identity.end_trials(p_limit);
    quotas := identity.reset_quotas(p_limit);
    counters := identity.forget_key_uses(p_limit);
    update queue.upkeep as u set last_run_at = base.clock() where u.task = 'identity';
    return next;
end;
$$;

comment on function queue.tidy_identity(integer) is $$
Upkeep of tenants, users and keys: tell of trials and keys that end soon, end trials that are past their end, begin anew the monthly quotas whose day has come, remove old counters
of API keys. Returns how many of each: call it until it returns only zeros. One caller at a time, the others return zeros.

Arguments
  p_limit  so many of each at most, 1 to 10000

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that cannot be
$$;
