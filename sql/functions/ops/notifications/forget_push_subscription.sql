create or replace function ops.forget_push_subscription(p_subscription_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from ops.push_subscriptions as s where s.id = p_subscription_id and base.may_act_for(s.tenant_id);
end;
$$;

comment on function ops.forget_push_subscription(uuid) is $$
The push service says that a subscription is over (404, 410), or it is none that can be sent to. For workers, in the transaction that completes the job.
$$;
