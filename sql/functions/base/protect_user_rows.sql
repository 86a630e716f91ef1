create or replace function base.protect_user_rows(p_table regclass, p_own text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Made once: a policy that stands is not made again, because that would lock the table.
    if exists (select from pg_catalog.pg_policy as p where p.polrelid = p_table and p.polname = 'user_sees_their_own') then
        return;
    end if;

    -- Selects of their own are asked once a statement, not once a row; and without a user no function is asked.
    execute format(
        'create policy user_sees_their_own on %1$s as restrictive to reelq_app, reelq_readonly '
        'using ((select coalesce(current_setting(''reelq.user_id'', true), '''') = '''') or (select identity.sees_whole_tenant()) or (%2$s)) '
        'with check ((select identity.may_write()) and ((select identity.sees_whole_tenant()) or (%2$s)))', p_table, p_own
    );
end;
$$;

comment on function base.protect_user_rows(regclass, text) is $$
Within a tenant, let a member or viewer (reelq.user_id) see a table's rows of their own only, and a viewer write none. The tenant's
admin, and the tenant itself (no reelq.user_id), see all of the tenant. Comes after base.protect_tenant_rows, whose policy stays.
sql/grants.sql calls it for each such table.

Arguments
  p_own  a condition that says whether a row is the user's, such as 'user_id = (select identity.limited_to())'; 'false': rows of the
         tenant as a whole. It is part of the policy: for texts of our own files
$$;
