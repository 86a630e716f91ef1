create or replace function ops.note_backup(p_id uuid, p_size_bytes bigint, p_store_mark text default null)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update ops.backups as b
    set seen_at = base.clock(), size_bytes = p_size_bytes, store_mark = coalesce(p_store_mark, b.store_mark)
    where b.id = p_id and b.status = 'running';
    if not found then  -- mutant: a backup that was given up goes on
        raise exception 'backup % must be running, and was given up or is over', p_id
            using errcode = 'RQ009', hint = 'Its program was not seen for too long, as when it or the database stood still. Make another one: reelq backup create';
    end if;
end;
$$;

comment on function ops.note_backup(uuid, bigint, text) is $$
Tell that a backup is at work, how many bytes it has written, and the mark that its store has shown.

Raises
  RQ009  it was given up, or is over
$$;
