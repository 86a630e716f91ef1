create or replace function base.accepts_program(p_version text)
returns boolean
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    -- To be raised by the release that takes away or changes what the programs of an older one call.
    select coalesce(regexp_match(p_version, '^([0-9]{1,6})[.]([0-9]{1,6})[.]([0-9]{1,6})')::integer[] >= array[0, 1, 0], false);
$$;

comment on function base.accepts_program(text) is $$
Whether a program of that version may work with this schema when the schema is newer than the program.

A release keeps what the one before it calls, so that workers go on, and start again, between the upgrade of the
database and their own. A program that is older than that is refused (RQ011).

Arguments
  p_version  of the program, as in 0.1.0; what is none is refused
$$;
