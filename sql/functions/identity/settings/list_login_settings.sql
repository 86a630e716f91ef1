create or replace function identity.list_login_settings()
returns table (name text, value text, description text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select s.name, s.value, s.description from identity.login_settings as s, base.check_operator() order by s.name;
$$;

comment on function identity.list_login_settings() is $$
The settings of log-ins, sessions and passwords. For operators.

Raises
  42501  the caller acts for a tenant
$$;
