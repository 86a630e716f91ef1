create or replace function ops.may_act_as_owner()
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    -- Who called, as in base.is_trusted: not whose function this is called from.
    select pg_has_role(coalesce(nullif(current_setting('role', true), 'none'), session_user::text)::name, s.nspowner, 'usage')
    from pg_catalog.pg_namespace as s where s.nspname = 'ops';
$$;

comment on function ops.may_act_as_owner() is 'Whether the caller has the rights of the role that owns the schema: makes, drops and vacuums tables.';
