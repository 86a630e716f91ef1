create or replace function base.protect_tenant_rows(p_table regclass)
returns void
language plpgsql
volatile
set search_path = ''
set client_min_messages = warning
as $$
declare
    v_owner name;
begin
    select pg_get_userbyid(c.relowner) into v_owner
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_attribute as a on a.attrelid = c.oid
    where
        c.oid = p_table and c.relkind in ('r', 'p') and not c.relispartition
        and a.attname = 'tenant_id' and a.atttypid = 'uuid'::regtype and not a.attisdropped;
    if v_owner is null then
        raise exception '% must be a table with a column tenant_id of type uuid', coalesce(p_table::text, 'null')
            using errcode = 'RQ008', hint = 'A view has security_invoker instead, and a partition is protected with its parent, by base.make_partition.';
    end if;

    -- Forced, because it would not bind the owner otherwise, and with it no function that runs as the owner.
    execute format('alter table %s enable row level security, force row level security', p_table);
    execute format('drop policy if exists owner_sees_all on %s', p_table);
    execute format('create policy owner_sees_all on %s to %I using (true) with check (true)', p_table, v_owner);
    -- A select of its own is asked once a statement, not once a row.
    execute format('drop policy if exists tenant_sees_its_own on %s', p_table);
    execute format(
        'create policy tenant_sees_its_own on %s to reelq_app, reelq_readonly '
        'using (tenant_id = (select base.current_tenant())) with check (tenant_id = (select base.current_tenant()))', p_table
    );
end;
$$;

comment on function base.protect_tenant_rows(regclass) is $$
Let applications and readers see and write a table's rows of their own tenant only, the one in reelq.tenant_id, and none while
that is not set. For table files: one line after each table that has a tenant_id. What a role may do at all, grants.sql says.

Row security is enabled and forced, with two policies: owner_sees_all and tenant_sees_its_own. Safe to run again, and then
puts these two back. Partitions get theirs from base.make_partition.

Raises
  RQ008  it is no table, a partition, or has no tenant_id of type uuid
$$;
