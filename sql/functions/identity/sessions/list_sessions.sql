create or replace function identity.list_sessions(
    p_user_id uuid default null, p_ended boolean default false, p_limit integer default 50, p_after uuid default null
)
returns table (
    id uuid, tenant text, user_id uuid, email text, state text, device text, ip_address inet, user_agent text, second_factor boolean,
    created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz, ended_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
declare
    v_at timestamptz := (select at.created_at from identity.user_sessions as at where at.id = p_after and identity.may_see(at.tenant_id, at.user_id));
    v_now timestamptz := base.clock();
    v_idle interval := identity.login_setting('session_idle')::interval;
    v_tenant_id uuid := base.current_tenant();
    v_user_id uuid := case when identity.sees_whole_tenant() then p_user_id else base.current_user_id() end;
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'p_limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'The next page: p_after => the last id of this one.';
    end if;
    if (v_tenant_id is null and not base.is_trusted()) or (p_user_id is distinct from v_user_id and p_user_id is not null) then
        return;
    end if;
    -- Three ways, each in the order of an index of its own, whatever the planner believes of the tables: hence the paths that are off.
    return query
    select s.id, t.slug, s.user_id, u.email,
        case
            when s.revoked_at is not null then s.revoked_because
            when s.expires_at <= v_now then 'expired'
            when s.last_seen_at <= v_now - v_idle then 'idle'
            else 'live'
        end,
        s.device, s.ip_address, s.user_agent, s.second_factor, s.created_at, s.last_seen_at, s.expires_at,
        coalesce(
            s.revoked_at, case when least(s.expires_at, s.last_seen_at + v_idle) <= v_now then least(s.expires_at, s.last_seen_at + v_idle) end
        )
    from (
        (
            select one.*, l.used_at as last_seen_at
            from identity.user_sessions as one
            inner join identity.session_last_uses as l on l.session_id = one.id
            where
                v_user_id is not null and one.user_id = v_user_id and coalesce(one.tenant_id = v_tenant_id, true)
                and (p_after is null or (one.created_at, one.id) < (v_at, p_after))
                and (p_ended or (one.revoked_at is null and one.expires_at > v_now and l.used_at > v_now - v_idle))
            order by one.created_at desc, one.id desc
            limit p_limit
        )
        union all
        (
            select many.*, l.used_at as last_seen_at
            from identity.user_sessions as many
            inner join identity.session_last_uses as l on l.session_id = many.id
            where
                v_user_id is null and v_tenant_id is not null and many.tenant_id = v_tenant_id
                and (p_after is null or (many.created_at, many.id) < (v_at, p_after))
                and (p_ended or (many.revoked_at is null and many.expires_at > v_now and l.used_at > v_now - v_idle))
            order by many.created_at desc, many.id desc
            limit p_limit
        )
        union all
        (
            select every.*, l.used_at as last_seen_at
            from identity.user_sessions as every
            inner join identity.session_last_uses as l on l.session_id = every.id
            where
                v_user_id is null and v_tenant_id is null and (p_after is null or every.id < p_after)
                and (p_ended or (every.revoked_at is null and every.expires_at > v_now and l.used_at > v_now - v_idle))
            order by every.id desc
            limit p_limit
        )
    ) as s
    inner join identity.users as u on u.id = s.user_id
    inner join identity.tenants as t on t.id = s.tenant_id
    where identity.may_see(s.tenant_id, s.user_id)
    order by s.created_at desc, s.id desc;
end;
$$;

comment on function identity.list_sessions(uuid, boolean, integer, uuid) is $$
Sessions, newest first: a user's own; of the tenant for itself and its admins; of all tenants for an operator without one. Without tokens.

Arguments
  p_user_id  only this user's; null: any
  p_ended    also those that have ended, for as long as they are kept
  p_limit    1 to 1000
  p_after    the next page: the last id of the one before

Returns
  state      live, expired, idle, or why it was revoked: see identity.user_sessions.revoked_because

Raises
  RQ008  p_limit is none
$$;
