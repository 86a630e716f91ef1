create or replace function identity.list_users(
    p_status text default null,
    p_role text default null,
    p_deleted boolean default false,
    p_limit integer default 50,
    p_after uuid default null
)
returns table (
    id uuid, tenant text, email text, email_verified boolean, username text, full_name text, role text, status text,
    two_factor_enabled boolean, last_login_at timestamptz, locked_until timestamptz, created_at timestamptz, deleted_at timestamptz
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
    v_at timestamptz := (select at.created_at from identity.users as at where at.id = p_after and identity.may_see(at.tenant_id, at.id));
    v_tenant_id uuid := base.current_tenant();
    v_own uuid := case when not identity.sees_whole_tenant() then base.current_user_id() end;
begin
    if v_tenant_id is null and not base.is_trusted() then
        return;
    end if;
    if v_own is not null and not identity.may_see(v_tenant_id, v_own) then
        return;
    end if;
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'p_limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'The next page: p_after => the last id of this one.';
    end if;
    -- Three ways, each in the order of an index of its own, whatever the planner believes of the tables: hence the paths that are off.
    return query
    select u.id, t.slug, u.email, u.email_verified, u.username, u.full_name, u.role, u.status, u.two_factor_enabled, u.last_login_at,
        u.locked_until, u.created_at, u.deleted_at
    from (
        select one.* from identity.users as one where v_own is not null and one.id = v_own
        union all
        (
            select many.* from identity.users as many
            where
                v_own is null and v_tenant_id is not null and many.tenant_id = v_tenant_id
                and (p_after is null or (many.created_at, many.id) < (v_at, p_after))
                and (p_status is null or many.status = p_status) and (p_role is null or many.role = p_role)
                and (many.deleted_at is not null) = p_deleted
            order by many.created_at desc, many.id desc
            limit p_limit
        )
        union all
        (
            select every.* from identity.users as every
            where
                v_own is null and v_tenant_id is null and (p_after is null or every.id < p_after)
                and (p_status is null or every.status = p_status) and (p_role is null or every.role = p_role)
                and (every.deleted_at is not null) = p_deleted
            order by every.id desc
            limit p_limit
        )
    ) as u
    inner join identity.tenants as t on t.id = u.tenant_id
    order by u.created_at desc, u.id desc;
end;
$$;

comment on function identity.list_users(text, text, boolean, integer, uuid) is $$
Users, newest first: those of the tenant; a user who is not its admin sees themselves; an operator without a tenant sees all.

Arguments
  p_status   only those of this status; null: any
  p_role     only those of this role; null: any. Rare ones are looked for among all of the tenant
  p_deleted  the deleted ones instead of the live
  p_limit    1 to 1000
  p_after    the next page: the last id of the one before

Raises
  RQ008  p_limit is none
$$;
