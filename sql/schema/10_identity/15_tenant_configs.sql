create table identity.tenant_configs (
    tenant_id uuid primary key references identity.tenants (id) on delete cascade,
    personalization_enabled boolean not null default true,
    personalization_weights jsonb not null default '{"watch_history": 0.5, "engagement": 0.3, "editorial": 0.2}',
    content_filters jsonb not null default '{}',
    rate_limit_rps integer not null default 600,
    cache_ttl_seconds integer not null default 60,
    retention_days integer not null default 90,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint weights_are_0_to_1_and_sum_to_1 check (base.weights_refusal(personalization_weights) is null),
    constraint content_filters_are_known check (base.content_filters_refusal(content_filters) is null),
    constraint rate_limit_is_1_to_1000000 check (rate_limit_rps between 1 and 1000000),
    constraint cache_ttl_is_0_to_86400 check (cache_ttl_seconds between 0 and 86400),
    constraint retention_is_1_to_3650_days check (retention_days between 1 and 3650)
);

comment on table identity.tenant_configs is 'What a tenant has chosen: one row each, made with the tenant. Change it by identity.set_tenant_config.';
comment on column identity.tenant_configs.tenant_id is 'The tenant. [internal]';
comment on column identity.tenant_configs.personalization_enabled is 'Whether its feeds are personal at all. [internal]';
comment on column identity.tenant_configs.personalization_weights is 'JSON object: how much each signal counts, 0 to 1 each, exactly 1 together. [internal]';
comment on column identity.tenant_configs.content_filters is 'JSON object: max_maturity, excluded_categories, geo_allowed (ISO 3166-1 alpha-2); {} filters nothing. [internal]';
comment on column identity.tenant_configs.rate_limit_rps is 'Requests a second that it may make. Operators set it. [internal]';
comment on column identity.tenant_configs.cache_ttl_seconds is 'For how many seconds an answer may be given again. [internal]';
comment on column identity.tenant_configs.retention_days is 'Days after the last reference after which operational objects go. Operators set it. [internal]';
comment on column identity.tenant_configs.created_at is 'When the row was made. [internal]';
comment on column identity.tenant_configs.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on identity.tenant_configs
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('identity.tenant_configs');
