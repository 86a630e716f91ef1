create or replace function ops.fail_backup(p_id uuid, p_code text, p_message text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update ops.backups as b
    set status = 'failed', ended_at = base.clock(), error_code = p_code, error_message = left(p_message, 2000)
    where b.id = p_id and b.status = 'running';
    if found then
        perform base.emit_event('backup.failed', null, 'backup', jsonb_build_object('backup_id', p_id, 'error_code', p_code));
    end if;
end;
$$;

comment on function ops.fail_backup(uuid, text, text) is $$
Note that a backup has failed, and tell operators (event backup.failed). One that is over already stays as it is.
$$;
