create or replace function identity.tell_subscription(p_event_type text, p_subscription identity.subscriptions)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.emit_event(
        p_event_type, p_subscription.tenant_id, 'subscription:' || p_subscription.id,
        jsonb_build_object(
            'subscription_id', p_subscription.id, 'user_id', p_subscription.user_id, 'plan', p_subscription.plan, 'status', p_subscription.status,
            'monthly_quota', p_subscription.monthly_quota, 'trial_ends_at', p_subscription.trial_ends_at
        )
    );
end;
$$;

comment on function identity.tell_subscription(text, identity.subscriptions) is $$
Tell something of a subscription to its tenant: an event of this type. The caller holds its row.
$$;
