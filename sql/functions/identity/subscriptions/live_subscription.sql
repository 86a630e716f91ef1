create or replace function identity.live_subscription(p_tenant_id uuid, p_user_id uuid)
returns setof identity.subscriptions
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Two statements: an index cannot serve "is not distinct from".
    if p_user_id is null then
        return query
        select s.* from identity.subscriptions as s
        where
            s.tenant_id = p_tenant_id and s.user_id is null and s.status <> 'cancelled'
            and (s.status <> 'trialing' or s.trial_ends_at > base.clock());
    else
        return query
        select s.* from identity.subscriptions as s
        where
            s.tenant_id = p_tenant_id and s.user_id = p_user_id and s.status <> 'cancelled'
            and (s.status <> 'trialing' or s.trial_ends_at > base.clock());  -- mutant: a trial goes on after its end
    end if;
end;
$$;

comment on function identity.live_subscription(uuid, uuid) is $$
The live subscription of a user, or of a tenant: one row or none. A trial that is past its end gives nothing, also before upkeep has ended it.

Arguments
  p_user_id  null: the tenant's own
$$;
