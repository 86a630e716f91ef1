create table media.bundles (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    name text not null,
    ends_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint name_has_1_to_255_characters check (length(name) between 1 and 255)
);

-- The name of a bundle that was ended by hand is free again.
create unique index bundles_one_name_a_tenant on media.bundles (tenant_id, name) where ended_at is null;
create index bundles_by_tenant on media.bundles (tenant_id, id);

comment on table media.bundles is 'Files that are kept together: what is in a live bundle does not go by retention. Live: not ended, and before its term.';
comment on column media.bundles.id is 'Time-ordered id. [internal]';
comment on column media.bundles.tenant_id is 'The tenant that owns the bundle. [internal]';
comment on column media.bundles.name is 'What people call it; one live bundle of a tenant has it. [internal]';
comment on column media.bundles.ends_at is 'Its term: from then on it keeps nothing; null: until somebody ends it. [internal]';
comment on column media.bundles.ended_at is 'When somebody ended it; null: nobody has. [internal]';
comment on column media.bundles.created_at is 'When the row was made. [internal]';
comment on column media.bundles.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on media.bundles
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('media.bundles');
