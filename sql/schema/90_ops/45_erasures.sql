-- No foreign keys: the certificate outlives the user, and the tenant.
create table ops.erasures (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null,
    user_id uuid not null,
    status text not null default 'requested',
    step integer not null default 1,
    requested_by text not null,
    erased_by text,
    began_at timestamptz,
    ended_at timestamptz,
    counts jsonb not null default '{}',
    counts_sha256 text,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint status_is_known check (status in ('requested', 'running', 'completed')),
    constraint begun_has_a_time check ((status = 'requested') = (began_at is null) and (began_at is null) = (erased_by is null)),
    constraint completed_has_a_time check ((status = 'completed') = (ended_at is not null)),
    constraint completed_has_a_hash check ((status = 'completed') = (counts_sha256 is not null)),
    constraint hash_is_that_of_the_counts check (counts_sha256 = encode(sha256(convert_to(counts::text, 'UTF8')), 'hex')),
    constraint counts_is_an_object check (jsonb_typeof(counts) = 'object'),
    constraint step_is_not_negative check (step > 0)
);

create unique index erasures_one_open on ops.erasures (user_id) where status <> 'completed';
create index erasures_by_user on ops.erasures (user_id, created_at);
create index erasures_by_tenant on ops.erasures (tenant_id, created_at);
create index erasures_open on ops.erasures (created_at) where status <> 'completed';

comment on table ops.erasures is $$
Erasures of users: asked for, under way, and done. A row that is completed is the certificate, and never changes again. It names nobody: ids and counts only.
$$;
comment on column ops.erasures.id is 'Time-ordered id. [internal]';
comment on column ops.erasures.tenant_id is 'The tenant that the user was of. [internal]';
comment on column ops.erasures.user_id is 'Whom: an id that leads nowhere once it is done. [internal]';
comment on column ops.erasures.status is 'requested (nothing has gone yet), running or completed. [internal]';
comment on column ops.erasures.step is 'How far it has come, see ops.erase_rows. [internal]';
comment on column ops.erasures.requested_by is 'Who asked: user:<id>, tenant:<id> or role:<name of a database role>. [internal]';
comment on column ops.erasures.erased_by is 'Who began it, in the same form; null: nobody yet. [internal]';
comment on column ops.erasures.began_at is 'When it began; null: it has not. [internal]';
comment on column ops.erasures.ended_at is 'When it was done; null: it is not. [internal]';
comment on column ops.erasures.counts
is 'JSON object: rows that were erased by table, "objects" of the store, and "objects kept", which others have a share in. Exact: each transaction counts what it erases. [internal]';
comment on column ops.erasures.counts_sha256 is 'SHA-256 of counts as text, lower-case hex; null until it is done. [internal]';
comment on column ops.erasures.created_at is 'When it was asked for. [internal]';
comment on column ops.erasures.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on ops.erasures
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('ops.erasures');
