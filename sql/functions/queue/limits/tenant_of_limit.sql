create or replace function queue.tenant_of_limit(p_key text)
returns uuid
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select substring(p_key from '^(?:tenant:|name:)([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?:/|$)')::uuid;
$$;

comment on function queue.tenant_of_limit(text) is $$
The tenant to which a limit belongs, by its key: tenant:<id>, or name:<id>/<word>. Null: it is the operators'.
$$;
