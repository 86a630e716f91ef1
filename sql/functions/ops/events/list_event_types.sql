create or replace function ops.list_event_types()
returns table (name text, about text, audience text, is_own boolean)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select t.name, t.about, t.audience, t.is_own from ops.event_types as t
    where t.audience = 'tenant' or base.is_operator()  -- mutant: tenants are shown what is for operators
    order by t.name;
$$;

comment on function ops.list_event_types() is $$
The types of events that there are, by name; those for operators are shown to them only.
$$;
