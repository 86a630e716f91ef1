create or replace function media.own_keys(p_keys text[])
returns setof text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_operator();
    return query
    select k.key
    from unnest(p_keys) as k (key)
    where
        exists (select from identity.tenants as t where t.id = substring(k.key from '^tenants/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/')::uuid)  -- mutant: what another database stored is a stray
        -- Of a job without a tenant: its id says when it came, and this database was not there before its first table.
        or substring(k.key from '^jobs/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-[0-9]+/')::uuid
        >= base.uuid_v7_from((select min(l.applied_at) from base.schema_ledger as l));
end;
$$;

comment on function media.own_keys(text[]) is $$
Which of these keys a job of this database may have written: those of its tenants, and those of jobs without a tenant since it was installed. Anything else in a
store was put there by somebody else, as by another database that was given the same store, and is never called litter.

Raises
  42501  the caller acts for a tenant
$$;
