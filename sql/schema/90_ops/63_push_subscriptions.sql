create table ops.push_subscriptions (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    user_id uuid not null references identity.users (id) on delete cascade,
    endpoint text not null,
    p256dh text not null,
    auth text not null,
    device text,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint one_user_an_endpoint unique (tenant_id, endpoint),
    constraint endpoint_is_an_https_url
    check (endpoint ~ '^https://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?/[!-~]*$' and length(endpoint) <= 1000),
    constraint p256dh_is_65_bytes check (p256dh ~ '^[A-Za-z0-9_-]{87}$'),
    constraint auth_is_16_bytes check (auth ~ '^[A-Za-z0-9_-]{22}$'),
    constraint device_has_1_to_100_characters check (length(device) between 1 and 100)
);

create index push_subscriptions_by_user on ops.push_subscriptions (user_id, created_at);

comment on table ops.push_subscriptions is 'Browsers that take notifications by web push (RFC 8030): what PushSubscription.toJSON() of the browser gives. Gone when the push service says so.';
comment on column ops.push_subscriptions.id is 'Time-ordered id. [internal]';
comment on column ops.push_subscriptions.tenant_id is 'The tenant of the user. [internal]';
comment on column ops.push_subscriptions.user_id is 'Who is told there. [internal]';
comment on column ops.push_subscriptions.endpoint is 'Where the push service takes messages for that browser. Whoever knows it may send there, as far as the service lets them. [personal]';
comment on column ops.push_subscriptions.p256dh is 'Public key of the browser, base64url. [internal]';
comment on column ops.push_subscriptions.auth is 'Secret that messages are encrypted with besides, base64url. Of no use without our VAPID key. [secret]';
comment on column ops.push_subscriptions.device is 'What the device is called, in the words of the application or its user; null: not told. [personal]';
comment on column ops.push_subscriptions.created_at is 'When the row was made. [internal]';
comment on column ops.push_subscriptions.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on ops.push_subscriptions
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('ops.push_subscriptions');
