create table identity.login_attempts (
    id uuid primary key default gen_random_uuid(),
    step text not null default 'password',
    user_id uuid references identity.users (id) on delete cascade,
    admitted boolean not null default false,
    address text,
    began_in xid8 not null default pg_current_xact_id(),
    shown_in xid8,
    created_at timestamptz not null default base.clock(),
    proof bytea,
    constraint step_is_known check (step in ('password', 'second_factor', 'hash_again', 'reset')),
    constraint admitted_has_a_user check (user_id is not null or not admitted),
    constraint address_has_at_most_255_characters check (length(address) <= 255),
    constraint proof_is_sha256_or_empty check (octet_length(proof) in (0, 32))
);

create index login_attempts_by_user on identity.login_attempts (user_id);
create index login_attempts_by_time on identity.login_attempts (created_at);

comment on table identity.login_attempts
is 'Log-ins under way: a row from identity.begin_login until it is finished, five minutes at most. Each was counted as failed when it began.';
comment on column identity.login_attempts.id is 'Random; who has it may finish the attempt, once. [secret]';
comment on column identity.login_attempts.step
is 'password; second_factor: the password was right, and a code is awaited; hash_again: it was right, and its hash is old; reset: somebody has forgotten it. [internal]';
comment on column identity.login_attempts.user_id is 'The account; null: there is none with this address. [internal]';
comment on column identity.login_attempts.admitted is 'Whether it can succeed at all: the account is there, active and not locked. [internal]';
comment on column identity.login_attempts.address is 'The address that was given, where it looks like one; null: it does not, and may be a password in the wrong field. [personal]';
comment on column identity.login_attempts.began_in is 'The transaction that counted it; the answer comes in a later one, so that the count stands whatever becomes of it. [internal]';
comment on column identity.login_attempts.shown_in
is 'The transaction that used it up, by identity.give_proof or show_challenge; proof or code is judged in a later one; null: it is not used. [internal]';
comment on column identity.login_attempts.created_at is 'When it began. [internal]';
comment on column identity.login_attempts.proof is 'What identity.give_proof was given: SHA-256 of a hash; empty: nothing that can be right; null: nothing yet. [secret]';
