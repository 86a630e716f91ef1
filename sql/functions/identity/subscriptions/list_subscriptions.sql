create or replace function identity.list_subscriptions(p_tenant text default null, p_live boolean default false, p_limit integer default 100)
returns table (
    id uuid, tenant text, user_id uuid, email text, plan text, status text, provider text, provider_subscription_id text,
    trial_ends_at timestamptz, current_period_start timestamptz, current_period_end timestamptz, monthly_quota integer,
    ended_at timestamptz, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    v_tenant uuid := case when p_tenant is not null then identity.named_tenant(p_tenant) end;
begin
    perform base.check_operator();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'How many are listed.';
    end if;
    return query
    select
        s.id, t.slug, s.user_id, u.email, s.plan, s.status, s.provider, s.provider_subscription_id, s.trial_ends_at,
        s.current_period_start, s.current_period_end, s.monthly_quota, s.ended_at, s.created_at
    from identity.subscriptions as s
    inner join identity.tenants as t on t.id = s.tenant_id
    left join identity.users as u on u.id = s.user_id
    where (v_tenant is null or s.tenant_id = v_tenant) and (not coalesce(p_live, false) or s.status <> 'cancelled')
    order by s.id desc
    limit p_limit;
end;
$$;

comment on function identity.list_subscriptions(text, boolean, integer) is $$
Subscriptions, newest first. For operators; an application reads its own rows of identity.subscriptions.

Arguments
  p_tenant  slug or id; null: of all
  p_live    only those that are not over
  p_limit   so many at most, 1 to 10000

Raises
  42501  the caller acts for a tenant
  RQ004  no such tenant
  RQ008  a limit that cannot be
$$;
