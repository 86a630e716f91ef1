create or replace function identity.forget_key_uses(p_limit integer default 10000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_before timestamptz := date_trunc('hour', base.clock(), 'UTC') - interval '7 days';
    v_count integer;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_limit is null or p_limit not between 1 and 100000 then
        raise exception 'limit must be 1 to 100000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'How many counters one call removes.';
    end if;
    delete from identity.api_key_uses as u
    where u.ctid = any(array(
        select o.ctid from identity.api_key_uses as o
        where o.hour < v_before
        order by o.hour limit p_limit for update skip locked
    ));
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;

comment on function identity.forget_key_uses(integer) is $$
Remove counters of keys that are older than seven days. Returns how many: call it until it returns less than p_limit. For upkeep.

Arguments
  p_limit  so many at most, 1 to 100000

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that cannot be
$$;
