create or replace function base.protect_user_rows(p_table regclass, p_user_column name)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_own text := format('%I = (select base.current_user_id())', p_user_column);
begin
    if p_table is null or not exists (
        select from pg_catalog.pg_attribute as a
        where a.attrelid = p_table and a.attname = p_user_column and a.atttypid = 'uuid'::regtype and not a.attisdropped
    ) then
        raise exception '% must be a table with a column % of type uuid', coalesce(p_table::text, 'null'), coalesce(p_user_column::text, 'null')
            using errcode = 'RQ008', hint = 'The column that says whose row it is.';
    end if;
    -- Made once: a policy that stands is not made again, because that would lock the table.
    if exists (select from pg_catalog.pg_policy as p where p.polrelid = p_table and p.polname = 'user_sees_their_own') then
        return;
    end if;

    execute format(
        'create policy user_sees_their_own on %s as restrictive to reelq_app, reelq_readonly '
        'using ((select identity.sees_whole_tenant()) or %s) '
        'with check ((select identity.may_write()) and ((select identity.sees_whole_tenant()) or %s))', p_table, v_own, v_own
    );
end;
$$;

comment on function base.protect_user_rows(regclass, name) is $$
Within a tenant, let a member or viewer (reelq.user_id) see a table's rows of their own only, and a viewer write none. The tenant's
admin, and the tenant itself (no reelq.user_id), see all of the tenant. Comes after base.protect_tenant_rows, whose policy stays.
sql/grants.sql calls it for each table whose rows are a user's.

Arguments
  p_user_column  the column that holds the user's id

Raises
  RQ008  no such table or column
$$;
