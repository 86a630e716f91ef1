create or replace function ops.complete_backup(
    p_id uuid, p_size_bytes bigint, p_sha256 text, p_database_bytes bigint, p_table_count integer, p_row_count bigint
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ops.note_backup(p_id, p_size_bytes);
    update ops.backups as b
    set
        status = 'completed', ended_at = base.clock(), sha256 = p_sha256, database_bytes = p_database_bytes,
        table_count = p_table_count, row_count = p_row_count
    where b.id = p_id;
end;
$$;

comment on function ops.complete_backup(uuid, bigint, text, bigint, integer, bigint) is $$
Note that dump and manifest of a backup are in the store.

Raises
  RQ009  it was given up meanwhile: what it has written is removed by the next prune
$$;
