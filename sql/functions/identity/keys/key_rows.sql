create or replace function identity.key_rows(p_ids uuid[])
returns table (
    id uuid, tenant text, user_id uuid, name text, prefix text, state text, scopes text[], hourly_limit integer, used_this_hour bigint,
    last_used_at timestamptz, expires_at timestamptz, revoked_at timestamptz, replaced_by uuid, created_by text, created_at timestamptz
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select
        k.id, t.slug, k.user_id, k.name, k.prefix,
        case
            when k.revoked_at is not null then 'revoked'
            when k.expires_at <= clock.now then 'expired'
            when k.replaced_by is not null then 'replaced'
            else 'active'
        end,
        k.scopes, k.hourly_limit,
        (select coalesce(sum(u.uses), 0)::bigint from identity.api_key_uses as u where u.key_id = coalesce(k.counted_as, k.id) and u.hour = date_trunc('hour', clock.now, 'UTC')),
        l.used_at, k.expires_at, k.revoked_at, k.replaced_by, k.created_by, k.created_at
    from identity.api_keys as k
    inner join identity.tenants as t on t.id = k.tenant_id
    left join identity.api_key_last_uses as l on l.key_id = k.id
    cross join (select base.clock() as now) as clock
    where k.id = any(p_ids)
    order by k.id desc;
$$;

comment on function identity.key_rows(uuid[]) is $$
Keys as they are shown, newest first. Whose they are the caller has asked.
$$;
