create or replace function identity.reset_quotas(p_limit integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_today date := (base.clock() at time zone 'utc')::date;
    v_count integer;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'How many quotas one call resets.';
    end if;
    -- One that somebody uses up just now resets itself with that.
    update identity.quotas as q set used = 0, resets_on = base.next_monthly(q.reset_day, v_today)
    where q.id = any(array(
        select d.id from identity.quotas as d where d.resets_on <= v_today order by d.resets_on limit p_limit for no key update skip locked
    ));
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;

comment on function identity.reset_quotas(integer) is $$
Begin anew the quotas whose day has come. Returns how many: call it until it returns less than p_limit. Quotas count from 0 on their day
also before this has run. For upkeep.

Arguments
  p_limit  so many at most, 1 to 10000

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that cannot be
$$;
