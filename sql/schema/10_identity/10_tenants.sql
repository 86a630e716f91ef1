create table identity.tenants (
    id uuid primary key default base.uuid_v7(),
    slug text not null,
    name text not null,
    status text not null default 'active',
    tier text not null default 'standard',
    s3_bucket text,
    s3_region text,
    job_weight numeric(6, 2) not null default 1,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    status_changed_at timestamptz not null default base.clock(),
    constraint slug_is_unique unique (slug),
    constraint slug_fits_a_command_line check (slug ~ '^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$'),
    constraint name_has_1_to_255_characters check (length(name) between 1 and 255),
    constraint status_is_known check (status in ('active', 'suspended', 'deleted')),
    constraint tier_is_known check (tier in ('standard', 'premium', 'enterprise')),
    constraint bucket_and_region_go_together check ((s3_bucket is null) = (s3_region is null)),
    constraint bucket_has_3_to_255_characters check (length(s3_bucket) between 3 and 255),
    constraint bucket_belongs_to_one_tenant unique (s3_bucket),
    constraint region_has_1_to_50_characters check (length(s3_region) between 1 and 50),
    constraint job_weight_is_positive check (job_weight > 0)
);

comment on table identity.tenants is 'Organisations whose videos are processed. Every row that belongs to one bears its tenant_id.';
comment on column identity.tenants.id is 'Time-ordered id.';
comment on column identity.tenants.slug is 'Short name for people and command lines: 1 to 50 of a-z, 0-9 and hyphens. The tenant "default" always exists.';
comment on column identity.tenants.name is 'Name as the tenant writes it.';
comment on column identity.tenants.status is 'active, suspended (nothing is accepted and no job runs) or deleted (kept until retention removes it).';
comment on column identity.tenants.tier is 'standard, premium or enterprise.';
comment on column identity.tenants.s3_bucket is 'A bucket of its own for this tenant''s objects; null means the common store.';
comment on column identity.tenants.s3_region is 'Region of s3_bucket; null exactly when that is.';
comment on column identity.tenants.job_weight is 'Share of the workers inside a priority: a tenant of 2 gets twice the turns of a tenant of 1.';
comment on column identity.tenants.created_at is 'When the row was made.';
comment on column identity.tenants.updated_at is 'When the row last changed; kept by a trigger.';
comment on column identity.tenants.status_changed_at is 'When status last changed; kept by a trigger.';

create trigger touch_status before update of status on identity.tenants
for each row execute function base.tg_touch_status();

create trigger touch_updated_at before update on identity.tenants
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

alter table identity.tenants enable row level security;
alter table identity.tenants force row level security;

create policy owner_sees_all on identity.tenants
to current_user using (true) with check (true);

create policy tenant_sees_itself on identity.tenants
to reelq_app, reelq_readonly
using (id = (select base.current_tenant()))
with check (id = (select base.current_tenant()));
