-- A table of its own, since a secret is sealed for its row and column, and two are good while one takes the other's place.
create table ops.webhook_secrets (
    id uuid primary key,
    webhook_id uuid not null references ops.webhooks (id) on delete cascade,
    secret bytea not null,
    ends_at timestamptz,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint secret_is_an_envelope check (base.is_envelope(secret))
);

create index webhook_secrets_by_webhook on ops.webhook_secrets (webhook_id, id);
create unique index webhook_secrets_current on ops.webhook_secrets (webhook_id) where ends_at is null;
-- For rotation of the keys, and for asking whether a key is in use.
create index webhook_secrets_by_key on ops.webhook_secrets (base.envelope_key(secret), id) where secret is not null;

comment on table ops.webhook_secrets is 'What deliveries are signed with: the current secret of an endpoint, and earlier ones until they end.';
comment on column ops.webhook_secrets.id is 'Id; the envelope opens for this row only. [internal]';
comment on column ops.webhook_secrets.webhook_id is 'The endpoint. [internal]';
comment on column ops.webhook_secrets.secret is 'Sealed envelope (see base.is_envelope) of a whsec_ secret. [secret]';
comment on column ops.webhook_secrets.ends_at is 'Until then it signs beside the current one; null: it is the current one. [internal]';
comment on column ops.webhook_secrets.created_at is 'When the row was made. [internal]';
comment on column ops.webhook_secrets.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on ops.webhook_secrets
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();
