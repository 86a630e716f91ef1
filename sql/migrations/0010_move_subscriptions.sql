-- back: nothing to go back: the columns of identity.users are as they were, but for the status of users on a trial without an end
-- Tier, quota and usage of users become rows of identity.subscriptions and identity.quotas. Nothing of 0.1.0 writes them.
insert into identity.subscriptions (
    tenant_id, user_id, plan, status, provider, provider_subscription_id, provider_customer_id, trial_ends_at, current_period_start,
    monthly_quota, ended_at, created_at
)
select
    u.tenant_id, u.id, u.subscription_tier,
    case
        when u.subscription_status = 'cancelled' then 'cancelled'
        -- A trial without an end is none.
        when (u.subscription_status = 'trialing' or u.status = 'trial') and u.trial_ends_at is not null then 'trialing'
        when u.subscription_status = 'past_due' then 'past_due'
        else 'active'
    end,
    case when coalesce(u.subscription_id, u.stripe_customer_id, '') <> '' then 'stripe' end,
    -- The provider's id is one subscription's; where several users bear it, the later ones' says whose it is.
    case
        when u.subscription_id = '' then null
        when row_number() over (partition by u.subscription_id order by u.id) > 1 then left(u.subscription_id, 200) || ' of ' || u.id
        else left(u.subscription_id, 255)
    end,
    nullif(left(u.stripe_customer_id, 255), ''), u.trial_ends_at, u.created_at, u.monthly_quota,
    case when u.subscription_status = 'cancelled' then u.updated_at end, u.created_at
from identity.users as u
where
    u.subscription_tier <> 'free' or u.subscription_status <> 'active' or u.trial_ends_at is not null
    or coalesce(u.subscription_id, u.stripe_customer_id, '') <> '';

-- Without a live subscription a quota is what it was; with one it is the subscription's, and afterwards that of everybody.
insert into identity.quotas (tenant_id, user_id, monthly_quota, used, reset_day, resets_on, created_at)
select
    u.tenant_id, u.id, case when s.id is null then u.monthly_quota else 30 end, u.current_usage,
    -- What 0.1.0 kept as its date may be the last day of a short month: then the day on which the account was made is meant.
    case
        when extract(day from u.quota_reset_date + 1) = 1 then greatest(extract(day from u.quota_reset_date), extract(day from u.created_at at time zone 'utc'))
        else extract(day from u.quota_reset_date)
    end,
    u.quota_reset_date, u.created_at
from identity.users as u
left join identity.subscriptions as s on s.user_id = u.id and s.status <> 'cancelled';

-- Who is on trial has one that ends; all others pay or have nothing to pay.
update identity.users as u set status = 'active'
where u.status = 'trial' and not exists (select from identity.subscriptions as s where s.user_id = u.id and s.status = 'trialing');
