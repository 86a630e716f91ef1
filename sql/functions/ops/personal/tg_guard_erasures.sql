create or replace function ops.tg_guard_erasures()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'UPDATE' and old.status <> 'completed' then
        return new;
    end if;
    raise exception 'erasure % must stay as it is', old.id
        using errcode = 'RQ007', hint = 'It says that a user was erased, and what of theirs; nothing else remembers.';
end;
$$;

comment on function ops.tg_guard_erasures() is $$
Trigger before update and delete on ops.erasures: what is completed never changes, and no row is deleted.

Raises
  RQ007  always, but for an update of one that is not completed
$$;

create or replace trigger guard_erasures
before update or delete on ops.erasures
for each row execute function ops.tg_guard_erasures();
