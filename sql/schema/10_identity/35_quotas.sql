-- Room for the next version of a row on its page: `used` grows with every video.
create table identity.quotas (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    user_id uuid references identity.users (id) on delete cascade,
    monthly_quota integer,
    used integer not null default 0,
    reset_day smallint not null,
    resets_on date not null,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint one_quota_each unique nulls not distinct (tenant_id, user_id),
    constraint quota_is_not_negative check (monthly_quota >= 0),
    constraint used_is_not_negative check (used >= 0),
    constraint reset_day_is_1_to_31 check (reset_day between 1 and 31)
) with (fillfactor = 70);

create index quotas_by_user on identity.quotas (user_id);
create index quotas_by_reset on identity.quotas (resets_on);

comment on table identity.quotas is 'How many videos a month a user or a tenant may bring in, and how many it were. Without a row: 30 for a user, no bound for a tenant. A live subscription''s quota goes before the one here.';
comment on column identity.quotas.id is 'Time-ordered id. [internal]';
comment on column identity.quotas.tenant_id is 'The tenant whose it is, or whose user''s. [internal]';
comment on column identity.quotas.user_id is 'The user whose it is; null: the tenant''s own. [internal]';
comment on column identity.quotas.monthly_quota is 'Videos a month without a subscription; null: as many as they like, which are not counted. [internal]';
comment on column identity.quotas.used is 'Videos since the last reset; counts as 0 from resets_on on. [internal]';
comment on column identity.quotas.reset_day is 'The day of the month on which it begins anew, in UTC; the last day of months that are shorter. [internal]';
comment on column identity.quotas.resets_on is 'The next such day. [internal]';
comment on column identity.quotas.created_at is 'When the row was made. [internal]';
comment on column identity.quotas.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on identity.quotas
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('identity.quotas');
