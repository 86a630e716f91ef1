create or replace function ops.import_backup(p_bucket text, p_manifest jsonb)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into ops.backups as b (
        id, status, database_name, bucket, key, key_fingerprints, reelq_version, postgres_version, began_at, seen_at, ended_at, size_bytes, sha256,
        database_bytes, table_count, row_count
    )
    values (
        (p_manifest ->> 'id')::uuid, 'completed', p_manifest ->> 'database', p_bucket, p_manifest ->> 'key',
        array(select jsonb_array_elements_text(p_manifest -> 'encrypted_for')), p_manifest ->> 'reelq', (p_manifest ->> 'postgres')::integer,
        (p_manifest ->> 'began_at')::timestamptz, (p_manifest ->> 'ended_at')::timestamptz, (p_manifest ->> 'ended_at')::timestamptz,
        (p_manifest ->> 'size_bytes')::bigint, p_manifest ->> 'sha256', (p_manifest ->> 'database_bytes')::bigint,
        (select count(*) from jsonb_object_keys(p_manifest -> 'tables')),
        (select sum((t.value ->> 'rows')::bigint) from jsonb_each(p_manifest -> 'tables') as t)
    )
    -- In a dump the backup that it is does not stand yet; one that ran then is over by now.
    on conflict (id) do update set
        status = 'completed', ended_at = excluded.ended_at, size_bytes = excluded.size_bytes, sha256 = excluded.sha256,
        database_bytes = excluded.database_bytes, table_count = excluded.table_count, row_count = excluded.row_count,
        error_code = null, error_message = null
    where b.status <> 'completed';
    return found;
end;
$$;

comment on function ops.import_backup(text, jsonb) is $$
Enter a backup that the store has and this database does not know, as after a restore. Returns whether that was new.

Arguments
  p_bucket    the store
  p_manifest  what lies beside the dump: docs/operate.md, Back up
$$;
