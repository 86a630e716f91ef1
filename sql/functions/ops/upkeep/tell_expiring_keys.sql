create or replace function ops.tell_expiring_keys(p_limit integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_key record;
    v_told integer := 0;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'Of how many keys one call tells.';
    end if;
    for v_key in
        update identity.api_keys as k set expiry_told_at = v_now
        where k.id = any(array(
            select e.id from identity.api_keys as e
            where
                e.expires_at > v_now and e.expires_at <= v_now + interval '14 days'
                and e.revoked_at is null and e.replaced_by is null and e.expiry_told_at is null
            order by e.expires_at limit p_limit for no key update skip locked
        ))
        returning k.id, k.tenant_id, k.user_id, k.prefix, k.expires_at
    loop
        perform base.emit_event(
            'key.expiring', v_key.tenant_id, 'key:' || v_key.id,
            jsonb_build_object('key_id', v_key.id, 'user_id', v_key.user_id, 'prefix', v_key.prefix, 'expires_at', v_key.expires_at)
        );
        v_told := v_told + 1;
    end loop;
    return v_told;
end;
$$;

comment on function ops.tell_expiring_keys(integer) is $$
Write the event key.expiring, once a key, for API keys that end within fourteen days and have no successor. Returns how many: call it until it returns less than p_limit.
For upkeep.

Arguments
  p_limit  of so many at most, 1 to 10000

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that cannot be
$$;
