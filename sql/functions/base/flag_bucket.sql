create or replace function base.flag_bucket(p_flag text, p_subject uuid)
returns integer
language sql
immutable
strict
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select (('x' || encode(substr(sha256(convert_to(p_flag || ':' || p_subject, 'UTF8')), 1, 4), 'hex'))::bit(32)::bigint % 10000)::integer;
$$;

comment on function base.flag_bucket(text, uuid) is $$
Where a subject stands in the rollout of a flag: 0 to 9999, the same for ever. It is on while this is less than a hundred times the percentage.

The first four bytes, big-endian, of the SHA-256 of "<flag>:<id>", modulo 10,000: whoever cannot ask the database may compute it.
$$;
