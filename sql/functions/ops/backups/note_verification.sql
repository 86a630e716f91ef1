create or replace function ops.note_verification(p_id uuid, p_how text, p_error text default null)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update ops.backups as b
    set
        verified_at = case when p_error is null then base.clock() else b.verified_at end,
        verified_how = case when p_error is null then p_how else b.verified_how end,
        verify_failed_at = case when p_error is not null then base.clock() end,
        verify_error = left(p_error, 2000)
    where b.id = p_id and b.status = 'completed' and b.pruned_at is null;
    if found and p_error is not null then
        perform base.emit_event('backup.failed', null, 'backup', jsonb_build_object('backup_id', p_id, 'error_code', 'not_verified'));
    end if;
    return found;
end;
$$;

comment on function ops.note_verification(uuid, text, text) is $$
Note that a backup was restored and found whole, or not to be whole. False: this database knows no such backup.

Arguments
  p_how    where it was restored, in words
  p_error  what is wrong with it, in a sentence; null: it is whole
$$;
