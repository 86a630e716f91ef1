-- What the schema runner (worker/db/schema/runner.py) needs before it can install anything. Run by every
-- install and upgrade, so each statement may run again.

create schema if not exists base;

create table if not exists base.schema_ledger (
    path text primary key,
    kind text not null,
    sha256 text not null,
    applied_at timestamptz not null default clock_timestamp(),
    ms integer,
    constraint kind_is_known
    check (kind in ('schema', 'function', 'view', 'data', 'grants', 'migration'))
);

comment on table base.schema_ledger is
'Which file of sql/ stands in this database, and with which text. Written by reelq schema only.';
comment on column base.schema_ledger.path is 'File below sql/, with forward slashes; a function without the folder of its subject. [internal]';
comment on column base.schema_ledger.kind is
'schema: once, on an empty database; migration: once, frozen; function, view, data, grants: again when the text changes. [internal]';
comment on column base.schema_ledger.sha256 is 'Of the text that was applied, in hex. [internal]';
comment on column base.schema_ledger.applied_at is 'When the text was last applied. [internal]';
comment on column base.schema_ledger.ms is
'Milliseconds it took; null for a migration that was not run because the database was made after it. [internal]';

create table if not exists base.schema_objects (
    object text primary key,
    kind text not null,
    md5 text not null,
    recorded_at timestamptz not null default clock_timestamp(),
    constraint kind_is_an_object
    check (kind in ('function', 'view', 'table', 'type', 'sequence'))
);

comment on table base.schema_objects is
'Fingerprints of what reelq schema made, so that reelq schema diff can tell what was changed by hand since.';
comment on column base.schema_objects.object is 'Qualified name; functions with their argument types. [internal]';
comment on column base.schema_objects.kind is 'function, view, table, type or sequence. [internal]';
comment on column base.schema_objects.md5 is
'Of the definition that the catalogue prints: columns, checks, keys, indexes, policies, triggers, rights; no comments. [internal]';
comment on column base.schema_objects.recorded_at is 'End of the install or upgrade that last changed it. [internal]';
