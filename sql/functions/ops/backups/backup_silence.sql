create or replace function ops.backup_silence()
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select interval '2 minutes';
$$;

comment on function ops.backup_silence() is 'How long the program of a running backup may be unseen before it is taken for killed; it tells every ten seconds.';
