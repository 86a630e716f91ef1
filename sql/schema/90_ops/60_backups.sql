create table ops.backups (
    id uuid primary key default base.uuid_v7(),
    status text not null default 'running',
    database_name text not null default current_database(),
    bucket text not null,
    key text not null,
    store_mark text,
    key_fingerprints text[] not null default '{}',
    reelq_version text not null,
    postgres_version integer not null,
    began_at timestamptz not null default base.clock(),
    seen_at timestamptz not null default base.clock(),
    ended_at timestamptz,
    size_bytes bigint not null default 0,
    sha256 text,
    database_bytes bigint,
    table_count integer,
    row_count bigint,
    error_code text,
    error_message text,
    verified_at timestamptz,
    verified_how text,
    verify_failed_at timestamptz,
    verify_error text,
    pruned_at timestamptz,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint status_is_known check (status in ('running', 'completed', 'failed')),
    constraint running_has_no_end check ((status = 'running') = (ended_at is null)),
    constraint completed_has_a_checksum check ((status = 'completed') = (sha256 is not null)),
    constraint failed_has_a_code check ((status = 'failed') = (error_code is not null)),
    constraint sha256_has_64_hex_digits check (sha256 ~ '^[0-9a-f]{64}$'),
    constraint size_is_not_negative check (size_bytes >= 0),
    constraint verified_is_completed check (verified_at is null or status = 'completed'),
    constraint verified_has_a_way check ((verified_at is null) = (verified_how is null)),
    constraint failed_verification_has_an_error check ((verify_failed_at is null) = (verify_error is null)),
    constraint pruned_has_ended check (pruned_at is null or ended_at is not null)
);

create unique index backups_one_running on ops.backups ((true)) where status = 'running';
create unique index backups_by_key on ops.backups (bucket, key);
create index backups_by_time on ops.backups (began_at);

comment on table ops.backups is $$
Backups of this database: each that was begun, how it ended, whether it was restored to see that it is whole, and when its bytes were removed. What restores one does not
need this table: beside each dump lies a manifest. Written by ops.begin_backup and its neighbours; `reelq backup list` shows it.
$$;
comment on column ops.backups.id is 'Time-ordered id; part of the key. [internal]';
comment on column ops.backups.status is 'running, completed or failed. One at a time runs. [internal]';
comment on column ops.backups.database_name is 'The database that it is of: databases may share a store. [internal]';
comment on column ops.backups.bucket is 'The store that it lies in, as file:///folder or s3://bucket/prefix. [internal]';
comment on column ops.backups.key is 'Key of the dump within the store; the manifest is beside it. [internal]';
comment on column ops.backups.store_mark is 'The mark that the store showed: the next backup refuses to write to another one. Null: it has not been written to. [internal]';
comment on column ops.backups.key_fingerprints is 'Of the age recipients that it is encrypted for, 16 hex digits each; empty: it is not encrypted. [internal]';
comment on column ops.backups.reelq_version is 'Version of the program that made it. [internal]';
comment on column ops.backups.postgres_version is 'server_version_num of the server. [internal]';
comment on column ops.backups.began_at is 'When it began, a moment before its snapshot. [internal]';
comment on column ops.backups.seen_at is 'When its program last told that it is at work: every ten seconds. [internal]';
comment on column ops.backups.ended_at is 'When it was completed or had failed; null: it runs. [internal]';
comment on column ops.backups.size_bytes is 'Bytes that have been written to the store, as they are there: compressed and perhaps encrypted. [internal]';
comment on column ops.backups.sha256 is 'SHA-256 of those bytes, lower-case hex; null until it is completed. [internal]';
comment on column ops.backups.database_bytes is 'Size of the database (pg_database_size) in bytes: about what a restore needs; null until it is completed. [internal]';
comment on column ops.backups.table_count is 'Tables in it, partitions one by one; null until it is completed. [internal]';
comment on column ops.backups.row_count is 'Rows in it, counted in the snapshot of the dump; null until it is completed. [internal]';
comment on column ops.backups.error_code is 'Why it failed, as a stable word: killed, stopped, too_long, dump_failed, database_away, or a code of the store; null: it did not. [internal]';
comment on column ops.backups.error_message is 'The same in a sentence. [internal]';
comment on column ops.backups.verified_at is 'When it was last restored and found to be what the manifest says; null: never. [internal]';
comment on column ops.backups.verified_how is 'Where it was restored: on a private server of which version. Null: never. [internal]';
comment on column ops.backups.verify_failed_at is 'When it was last found not to be whole; null: never, or a later look has found it whole. [internal]';
comment on column ops.backups.verify_error is 'What was wrong with it then, in a sentence. [internal]';
comment on column ops.backups.pruned_at is 'When its bytes were removed from the store; null: they are there. [internal]';
comment on column ops.backups.created_at is 'When the row was made. [internal]';
comment on column ops.backups.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on ops.backups
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();
