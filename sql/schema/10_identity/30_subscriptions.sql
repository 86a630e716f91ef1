create table identity.subscriptions (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    user_id uuid references identity.users (id) on delete cascade,
    plan text not null,
    status text not null default 'active',
    provider text,
    provider_subscription_id text,
    provider_customer_id text,
    trial_ends_at timestamptz,
    current_period_start timestamptz not null default base.clock(),
    current_period_end timestamptz,
    monthly_quota integer,
    ended_at timestamptz,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    status_changed_at timestamptz not null default base.clock(),
    trial_end_told timestamptz,
    constraint plan_is_one_of_its_owner check (
        plan in ('free', 'starter', 'pro', 'business', 'enterprise') and user_id is not null
        or plan in ('standard', 'premium', 'enterprise') and user_id is null
    ),
    constraint status_is_known check (status in ('active', 'trialing', 'past_due', 'cancelled')),
    constraint trial_has_an_end check (status <> 'trialing' or trial_ends_at is not null),
    constraint cancelled_has_a_time check ((status = 'cancelled') = (ended_at is not null)),
    constraint provider_has_1_to_50_characters check (length(provider) between 1 and 50),
    constraint ids_are_a_provider_s check (provider is not null or (provider_subscription_id is null and provider_customer_id is null)),
    constraint provider_subscription_id_has_1_to_255_characters check (length(provider_subscription_id) between 1 and 255),
    constraint provider_customer_id_has_1_to_255_characters check (length(provider_customer_id) between 1 and 255),
    constraint period_ends_after_it_begins check (current_period_end > current_period_start),
    constraint quota_is_not_negative check (monthly_quota >= 0)
);

create unique index subscriptions_one_live on identity.subscriptions (tenant_id, user_id) nulls not distinct where status <> 'cancelled';
create unique index subscriptions_one_provider_id on identity.subscriptions (provider, provider_subscription_id) where status <> 'cancelled';
create index subscriptions_by_provider on identity.subscriptions (provider, provider_subscription_id);
create index subscriptions_by_tenant on identity.subscriptions (tenant_id, id);
create index subscriptions_by_user on identity.subscriptions (user_id);
create index subscriptions_by_trial_end on identity.subscriptions (trial_ends_at) where status = 'trialing';

comment on table identity.subscriptions is 'What a user or a tenant pays for. One live one each; tier and monthly quota of its owner are those of the live one.';
comment on column identity.subscriptions.id is 'Time-ordered id. [internal]';
comment on column identity.subscriptions.tenant_id is 'The tenant whose it is, or whose user''s. [internal]';
comment on column identity.subscriptions.user_id is 'The user whose it is; null: the tenant''s own. [internal]';
comment on column identity.subscriptions.plan is 'The tier that it gives: of a user free, starter, pro, business or enterprise; of a tenant standard, premium or enterprise. [internal]';
comment on column identity.subscriptions.status is 'active, trialing (until trial_ends_at), past_due (all three are live) or cancelled (over). [internal]';
comment on column identity.subscriptions.provider is 'Who takes the money, as stripe; null: nobody. [internal]';
comment on column identity.subscriptions.provider_subscription_id is 'The provider''s id of the subscription. [internal]';
comment on column identity.subscriptions.provider_customer_id is 'The provider''s id of the customer. [personal]';
comment on column identity.subscriptions.trial_ends_at is 'When the trial is over; it gives nothing from then on. Stays as a record when the trial has become a subscription. [internal]';
comment on column identity.subscriptions.current_period_start is 'When the period that is paid for began. [internal]';
comment on column identity.subscriptions.current_period_end is 'When it ends; null: it does not say. [internal]';
comment on column identity.subscriptions.monthly_quota is 'Videos a month that it allows; null: as many as they like. [internal]';
comment on column identity.subscriptions.ended_at is 'When it was over; null while it is live. [internal]';
comment on column identity.subscriptions.created_at is 'When the row was made. [internal]';
comment on column identity.subscriptions.updated_at is 'When the row last changed; kept by a trigger. [internal]';
comment on column identity.subscriptions.status_changed_at is 'When status last changed; kept by a trigger. [internal]';
comment on column identity.subscriptions.trial_end_told is 'The trial_ends_at of which its owner was told (event trial.ending); null: of none. [internal]';

create trigger touch_status before update of status on identity.subscriptions
for each row execute function base.tg_touch_status();

create trigger touch_updated_at before update on identity.subscriptions
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('identity.subscriptions');
