create or replace function ops.idle_keys(p_tenant text default null, p_idle interval default '90 days', p_limit integer default 100, p_after uuid default null)
returns table (
    id uuid, tenant_id uuid, user_id uuid, name text, prefix text, scopes text[], created_at timestamptz, last_used_at timestamptz, expires_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_tenant uuid := base.current_tenant();
    v_before timestamptz;
begin
    if v_tenant is null and not base.is_trusted() then
        raise exception 'reelq.tenant_id must be set to see keys' using errcode = 'RQ004', hint = 'set reelq.tenant_id to your own tenant.';
    end if;
    if identity.limited_to() is not null then
        return;  -- as row security has it: nothing is visible
    end if;
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 100.';
    end if;
    if p_idle is null or p_idle not between interval '1 hour' and interval '100 years' then
        raise exception 'idle must be an hour to 100 years, not %', coalesce(p_idle::text, 'null') using errcode = 'RQ008', hint = 'The default is 90 days.';
    end if;
    if p_tenant is not null then
        v_tenant := identity.find_tenant(p_tenant);
    end if;
    v_before := base.clock() - p_idle;
    -- In steps over the ids, which grow with time: a key that is younger than p_idle cannot be idle.
    return query execute
        'select k.id, k.tenant_id, k.user_id, k.name, k.prefix, k.scopes, k.created_at, k.used_at, k.expires_at
        from (
            select k.*, (select l.used_at from identity.api_key_last_uses as l where l.key_id = k.id) as used_at
            from (
                select k.* from identity.api_keys as k
                where k.id > $1 and k.id < $2 ' || case when v_tenant is not null then 'and k.tenant_id = $3' else '' end || '
                order by k.id limit 20000
            ) as k
            where k.revoked_at is null and (k.expires_at is null or k.expires_at > $5)
        ) as k
        where coalesce(k.used_at, k.created_at) < $4
        order by k.id
        limit $6'
    using coalesce(p_after, '00000000-0000-0000-0000-000000000000'), base.uuid_v7_from(v_before), v_tenant, v_before, base.clock(), p_limit;
exception
    when undefined_table then
        return;
end;
$$;

comment on function ops.idle_keys(text, interval, integer, uuid) is $$
Keys that are good and that nobody has used for long, the oldest first: worth revoking. A call looks at 20,000 keys. For operators, a tenant and its admin; another user sees none.

Arguments
  p_tenant  slug or id
  p_idle    for how long, an hour to 100 years
  p_limit   1 to 1000
  p_after   id of the last key of a page, for the next one

Raises
  RQ004  no such tenant; an application that has set no tenant
  RQ008  a value that makes no sense
$$;
