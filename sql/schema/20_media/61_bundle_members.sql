create table media.bundle_members (
    bundle_id uuid not null references media.bundles (id) on delete cascade,
    asset_id uuid not null references media.assets (id) on delete cascade,
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    created_at timestamptz not null default base.clock(),
    constraint an_asset_once_a_bundle primary key (bundle_id, asset_id)
);

create index bundle_members_by_asset on media.bundle_members (asset_id);
create index bundle_members_by_tenant on media.bundle_members (tenant_id);

comment on table media.bundle_members is 'Which files a bundle keeps.';
comment on column media.bundle_members.bundle_id is 'The bundle. [internal]';
comment on column media.bundle_members.asset_id is 'The file. [internal]';
comment on column media.bundle_members.tenant_id is 'The tenant of both. [internal]';
comment on column media.bundle_members.created_at is 'When it was put in. [internal]';

select base.protect_tenant_rows('media.bundle_members');
