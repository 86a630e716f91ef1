create or replace function identity.live_subscription(p_tenant_id uuid, p_user_id uuid)
returns setof identity.subscriptions
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select s.* from identity.open_subscription(p_tenant_id, p_user_id) as s
    where s.status <> 'trialing' or s.trial_ends_at > base.clock();  -- mutant: a trial goes on after its end
end;
$$;

comment on function identity.live_subscription(uuid, uuid) is $$
The live subscription of a user, or of a tenant: one row or none. A trial that is past its end gives nothing, also before upkeep has ended it.

Arguments
  p_user_id  null: the tenant's own
$$;
