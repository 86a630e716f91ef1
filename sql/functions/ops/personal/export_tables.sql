create or replace function ops.export_tables()
returns setof text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select r.relation from ops.personal_rules() as r where to_regclass(r.relation) is not null order by r.relation <> 'identity.users', r.step;
$$;

comment on function ops.export_tables() is 'The tables that ops.export_rows has something of, the account first.';
