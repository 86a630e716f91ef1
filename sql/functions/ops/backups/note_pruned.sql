create or replace function ops.note_pruned(p_id uuid)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ops.fail_backup(p_id, 'killed', 'Its program was killed, or could not reach the database any more.');
    update ops.backups as b set pruned_at = base.clock() where b.id = p_id and b.pruned_at is null;
    if found then
        perform base.record_act('backup.deleted', 'backup', p_id::text, null, null, null, '{"system": "backup prune"}');
    end if;
end;
$$;

comment on function ops.note_pruned(uuid) is $$
Note that nothing of a backup is in the store any more. One that was killed counts as failed.
$$;
