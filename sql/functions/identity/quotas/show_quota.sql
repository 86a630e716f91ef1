create or replace function identity.show_quota(p_tenant text default null, p_user_id uuid default null)
returns table (tenant text, user_id uuid, monthly_quota integer, used integer, remaining integer, resets_on date, source text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := identity.named_owner(p_tenant, p_user_id);
begin
    if not identity.may_see(v_tenant, p_user_id) then
        raise exception 'no quota of tenant % for this user', v_tenant
            using errcode = 'RQ004', hint = 'A member sees their own: give their user id. The tenant''s is for its admin.';
    end if;
    return query
    select t.slug, p_user_id, q.monthly_quota, q.used, case when q.monthly_quota is not null then greatest(q.monthly_quota - q.used, 0) end, q.resets_on, q.source
    from identity.quota_state(v_tenant, p_user_id) as q
    inner join identity.tenants as t on t.id = v_tenant;
end;
$$;

comment on function identity.show_quota(text, uuid) is $$
How many videos a month a user, or a tenant, may bring in (null: no bound), how many it were, how many are left, and when it begins anew.
Where there is no bound nothing is counted.

Arguments
  p_tenant   slug or id; null: the user's, else the tenant of reelq.tenant_id, else "default"
  p_user_id  null: the tenant's own

Raises
  RQ004  no such tenant or user, or not one that the caller may see
$$;
