-- No foreign keys: an act outlives whom and what it was about, and a new partition waits for nobody.
create table ops.audit_logs (
    id bigint generated always as identity,
    tenant_id uuid,
    actor_kind text not null,
    actor_id text not null,
    db_role text not null,
    login_role text not null,
    program text,
    session_ip inet,
    user_id uuid,
    api_key_id uuid,
    subject_user_id uuid,
    request_id text,
    client_ip inet,
    user_agent text,
    action text not null,
    entity_type text not null,
    entity_id text,
    before jsonb,
    after jsonb,
    diff jsonb generated always as (base.diff_of(before, after)) stored,
    facts jsonb not null default '{}',
    risk_score smallint not null default 0,
    redacted_at timestamptz,
    created_at timestamptz not null default base.clock(),
    constraint audit_logs_pkey primary key (id, created_at),
    constraint actor_kind_is_known check (actor_kind in ('user', 'key', 'worker', 'role', 'system')),
    constraint action_is_a_plain_name check (action ~ '^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$' and length(action) <= 100),
    constraint entity_type_is_a_plain_name check (entity_type ~ '^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$' and length(entity_type) <= 100),
    constraint entity_id_has_at_most_500_characters check (length(entity_id) <= 500),
    constraint request_id_has_at_most_200_characters check (length(request_id) <= 200),
    constraint user_agent_has_at_most_500_characters check (length(user_agent) <= 500),
    constraint before_is_an_object check (jsonb_typeof(before) = 'object'),
    constraint after_is_an_object check (jsonb_typeof(after) = 'object'),
    constraint facts_are_an_object check (jsonb_typeof(facts) = 'object'),
    constraint risk_score_is_0_to_100 check (risk_score between 0 and 100)
) partition by range (created_at);

-- Every list is by time, newest first; each of its filters begins an index.
create index audit_logs_by_time on ops.audit_logs (created_at, id);
create index audit_logs_by_tenant on ops.audit_logs (tenant_id, created_at, id);
create index audit_logs_by_action on ops.audit_logs (action, created_at, id);
create index audit_logs_by_action_of_tenant on ops.audit_logs (tenant_id, action, created_at, id);
create index audit_logs_by_kind on ops.audit_logs (actor_kind, created_at, id);
create index audit_logs_by_actor on ops.audit_logs (actor_id, created_at, id);
create index audit_logs_by_user on ops.audit_logs (user_id, created_at, id) where user_id is not null;
create index audit_logs_by_subject on ops.audit_logs (subject_user_id, created_at, id) where subject_user_id is not null;
create index audit_logs_by_entity on ops.audit_logs (entity_type, entity_id, created_at, id);
create index audit_logs_by_request on ops.audit_logs (request_id, created_at, id) where request_id is not null;
create index audit_logs_by_address on ops.audit_logs (client_ip, created_at, id) where client_ip is not null;
create index audit_logs_risky on ops.audit_logs (created_at, id) where risk_score >= 20;
create index audit_logs_risky_of_tenant on ops.audit_logs (tenant_id, created_at, id) where risk_score >= 20;

comment on table ops.audit_logs is $$
Who did what: acts of people, keys and operators, and changes of sensitive tables; one partition a month of created_at. Written through
base.record_act and by the triggers of ops.tg_audit, in the transaction of the act. A row is never changed nor deleted, by nobody: whole months are dropped by
retention, and ops.redact_audit blanks what is personal of somebody who is erased.
$$;
comment on column ops.audit_logs.id is 'Grows with time. [internal]';
comment on column ops.audit_logs.tenant_id is 'Whose thing it was done to; null: the platform''s. [internal]';
comment on column ops.audit_logs.actor_kind is 'Who did it: user (reelq.user_id), key (reelq.api_key_id), worker (a registered one), role (anybody else: an operator in psql, a tenant''s server), system (upkeep that acts by itself). [internal]';
comment on column ops.audit_logs.actor_id is 'Which one: id of the user or key, name of the worker, role or upkeep. [internal]';
comment on column ops.audit_logs.db_role is 'Database role that acted: the one of SET ROLE, else login_role. [internal]';
comment on column ops.audit_logs.login_role is 'Database role that logged in. [internal]';
comment on column ops.audit_logs.program is 'application_name of the session; null: it gave none. [internal]';
comment on column ops.audit_logs.session_ip is 'Address of the database session; null: a local socket. [personal]';
comment on column ops.audit_logs.user_id is 'User who acted, also through a key; null: none was named. [internal]';
comment on column ops.audit_logs.api_key_id is 'Key that was used; null: none. [internal]';
comment on column ops.audit_logs.subject_user_id is 'User whom it is about; null: nobody in particular. [internal]';
comment on column ops.audit_logs.request_id is 'Request of the application (reelq.request_id); null: not given. [internal]';
comment on column ops.audit_logs.client_ip is 'Address of who acted, as the application says (reelq.client_ip); null: not given, or erased. [personal]';
comment on column ops.audit_logs.user_agent is 'Their program, as the application says (reelq.user_agent); null: not given, or erased. [personal]';
comment on column ops.audit_logs.action is 'What was done: the thing, a dot, a verb in the past, as user.role_changed. [internal]';
comment on column ops.audit_logs.entity_type is 'Kind of thing that it was done to, as user. [internal]';
comment on column ops.audit_logs.entity_id is 'Which thing; null: several, and facts say how many. [internal]';
comment on column ops.audit_logs.before is 'What was there of it: the key, and what changed. Secrets are "(changed)". Null: nothing was there. [personal]';
comment on column ops.audit_logs.after is 'What is there now, in the same way. Null: nothing is. [personal]';
comment on column ops.audit_logs.diff is 'What changed, by column, with from and to; null unless there is a before and an after. [personal]';
comment on column ops.audit_logs.facts is 'What else there is to know: reason, counts, filter. [personal]';
comment on column ops.audit_logs.risk_score is '0 (everyday) to 100, by the rules of ops.risk_of_act; from 20 on worth a look. [internal]';
comment on column ops.audit_logs.redacted_at is 'When ops.redact_audit blanked what is personal in it; null: never. [internal]';
comment on column ops.audit_logs.created_at is 'When it was done. [internal]';

select base.protect_tenant_rows('ops.audit_logs');
