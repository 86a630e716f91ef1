-- The key has no tenant_id of not null: an operator's program has none.
create table ops.inbox (
    id bigint primary key generated always as identity,
    tenant_id uuid references identity.tenants (id) on delete cascade,
    source text not null,
    message_id text not null,
    created_at timestamptz not null default base.clock(),
    constraint one_effect_a_message unique nulls not distinct (tenant_id, source, message_id),
    constraint source_has_1_to_100_characters check (length(source) between 1 and 100),
    constraint message_id_has_1_to_255_characters check (length(message_id) between 1 and 255)
);

create index inbox_by_age on ops.inbox (created_at);

comment on table ops.inbox is 'Messages from outside that have had their effect, so that none has it twice; kept for 30 days. Written by ops.receive_message in the transaction of the effect.';
comment on column ops.inbox.id is 'Number of the row. [internal]';
comment on column ops.inbox.tenant_id is 'For whom it was received: each tenant has its own messages. Null: for an operator. [internal]';
comment on column ops.inbox.source is 'Who sends, in the receiver''s own word, as payments. [internal]';
comment on column ops.inbox.message_id is 'The sender''s id of the message, the same however often it is sent, as webhook-id. [internal]';
comment on column ops.inbox.created_at is 'When it was received. [internal]';

select base.protect_tenant_rows('ops.inbox');
