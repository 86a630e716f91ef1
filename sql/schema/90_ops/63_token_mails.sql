-- A table of its own, since tokens go with an account that is deleted, and replace each other: what was mailed to an address is counted still.
create table ops.token_mails (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    user_id uuid not null references identity.users (id) on delete cascade,
    email text not null,
    created_at timestamptz not null default base.clock(),
    constraint email_looks_like_one check (base.is_email(email))
);

create index token_mails_by_address on ops.token_mails (tenant_id, lower(email), created_at);
create index token_mails_by_user on ops.token_mails (user_id);
create index token_mails_by_age on ops.token_mails (created_at);

comment on table ops.token_mails is 'Mails with a token that were sent to an address that a tenant has named, so that nobody is flooded: ops.enqueue_token_mail counts an hour of them; kept for a day.';
comment on column ops.token_mails.id is 'Time-ordered id. [internal]';
comment on column ops.token_mails.tenant_id is 'The tenant of the user. [internal]';
comment on column ops.token_mails.user_id is 'Whose token it is. [internal]';
comment on column ops.token_mails.email is 'Where it is mailed to. [personal]';
comment on column ops.token_mails.created_at is 'When it was enqueued. [internal]';

select base.protect_tenant_rows('ops.token_mails');
