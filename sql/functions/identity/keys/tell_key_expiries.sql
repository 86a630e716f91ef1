create or replace function identity.tell_key_expiries(p_limit integer default 1000)
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
    for v_key in
        update identity.api_keys as k set expiry_told = k.expires_at
        where k.id = any(array(
            select d.id from identity.api_keys as d
            where d.expires_at > v_now and d.expires_at <= v_now + interval '7 days'
                -- One that was replaced expires on purpose.
                and d.revoked_at is null and d.replaced_by is null
                and d.expiry_told is distinct from d.expires_at  -- mutant: a key that expires is told again and again
            order by d.expires_at limit least(greatest(p_limit, 1), 10000) for no key update skip locked
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

comment on function identity.tell_key_expiries(integer) is $$
Tell of API keys that expire within seven days and that no other has replaced, each expiry once (event key.expiring). Returns how many: call it until it
returns less than p_limit. For upkeep.

Arguments
  p_limit  so many at most, up to 10,000

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
$$;
