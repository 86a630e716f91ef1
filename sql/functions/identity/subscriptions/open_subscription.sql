create or replace function identity.open_subscription(p_tenant_id uuid, p_user_id uuid)
returns setof identity.subscriptions
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Two statements: an index cannot serve "is not distinct from".
    if p_user_id is null then
        return query
        select s.* from identity.subscriptions as s where s.tenant_id = p_tenant_id and s.user_id is null and s.status <> 'cancelled';
    else
        return query
        select s.* from identity.subscriptions as s where s.tenant_id = p_tenant_id and s.user_id = p_user_id and s.status <> 'cancelled';
    end if;
end;
$$;

comment on function identity.open_subscription(uuid, uuid) is $$
The subscription of a user, or of a tenant, that is not cancelled: one row or none. A trial may be past its end; what gives something at
this moment says identity.live_subscription.

Arguments
  p_user_id  null: the tenant's own
$$;
