create table ops.audit_redactions (
    id uuid primary key default base.uuid_v7(),
    user_id uuid not null,
    personal_values text[] not null default '{}',
    reason text not null,
    redacted_by text not null default session_user,
    rows_changed bigint,
    transaction_id xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default base.clock(),
    constraint reason_has_1_to_2000_characters check (length(reason) between 1 and 2000)
);

comment on table ops.audit_redactions is $$
Each call of ops.redact_audit, kept for good. It is also what lets that call change rows of the audit: the guard asks for a row of the same
transaction, and lets pass nothing but what that row says. What was erased does not stand here.
$$;
comment on column ops.audit_redactions.id is 'Time-ordered id. [internal]';
comment on column ops.audit_redactions.user_id is 'User whose values were blanked. [internal]';
comment on column ops.audit_redactions.personal_values is 'Texts to look for besides, such as the e-mail address; empty as soon as they are blanked. [personal]';
comment on column ops.audit_redactions.reason is 'Why. [internal]';
comment on column ops.audit_redactions.redacted_by is 'Database role that logged in. [internal]';
comment on column ops.audit_redactions.rows_changed is 'How many rows of the audit; null while it is at it. [internal]';
comment on column ops.audit_redactions.transaction_id is 'Transaction that does it; set by a trigger. [internal]';
comment on column ops.audit_redactions.created_at is 'When the row was made. [internal]';
