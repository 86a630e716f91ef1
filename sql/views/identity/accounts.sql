-- security_invoker, or the reader would see with the owner's eyes and the row policies would not hold.
create or replace view identity.accounts with (security_invoker = true) as
select
    person.id as user_id,
    person.tenant_id,
    person.email,
    person.full_name,
    person.role,
    person.status,
    coalesce(live.plan, 'free') as tier,
    live.status as subscription_status,
    live.trial_ends_at,
    live.provider,
    live.provider_subscription_id,
    live.provider_customer_id,
    case when live.id is not null then live.monthly_quota when quota.id is not null then quota.monthly_quota else 30 end as monthly_quota,
    case when quota.resets_on > today.utc then quota.used else 0 end as used,
    case
        when quota.resets_on > today.utc then quota.resets_on
        else base.next_monthly(coalesce(quota.reset_day, extract(day from person.created_at at time zone 'utc'))::integer, today.utc)
    end as resets_on,
    person.created_at
from identity.users as person
cross join (select base.clock() as now, (base.clock() at time zone 'utc')::date as utc) as today
left join identity.subscriptions as live
    on
        person.tenant_id = live.tenant_id and person.id = live.user_id and live.status <> 'cancelled'
        and (live.status <> 'trialing' or live.trial_ends_at > today.now)
left join identity.quotas as quota on person.tenant_id = quota.tenant_id and person.id = quota.user_id
where person.deleted_at is null;

comment on view identity.accounts is 'One row a live user: tier, subscription and monthly quota, as the live subscription gives them.';
comment on column identity.accounts.user_id is 'The user. [internal]';
comment on column identity.accounts.tenant_id is 'The tenant that the account belongs to. [internal]';
comment on column identity.accounts.email is 'Address to log in with. [personal]';
comment on column identity.accounts.full_name is 'Name as the person writes it. [personal]';
comment on column identity.accounts.role is 'admin, member, viewer or beta_tester, within the tenant. [internal]';
comment on column identity.accounts.status is 'active, trial, suspended or cancelled. [internal]';
comment on column identity.accounts.tier is 'free, starter, pro, business or enterprise: the plan of the live subscription, free without one. [internal]';
comment on column identity.accounts.subscription_status is 'active, trialing or past_due; null: no live subscription. [internal]';
comment on column identity.accounts.trial_ends_at is 'When the trial ends; null when there is none. [internal]';
comment on column identity.accounts.provider is 'Who takes the money. [internal]';
comment on column identity.accounts.provider_subscription_id is 'The provider''s id of the subscription. [internal]';
comment on column identity.accounts.provider_customer_id is 'The provider''s id of the customer. [personal]';
comment on column identity.accounts.monthly_quota is 'Videos a month; null: as many as they like. [internal]';
comment on column identity.accounts.used is 'Videos since the last reset. [internal]';
comment on column identity.accounts.resets_on is 'The day (UTC) on which used becomes 0. [internal]';
comment on column identity.accounts.created_at is 'When the account was made. [internal]';
