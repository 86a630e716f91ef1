create or replace function base.is_trusted()
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Inside a security definer function current_user is the owner; who called is
    -- the role that was set, else the role that logged in.
    v_caller name := coalesce(nullif(current_setting('role', true), 'none'), session_user::text);
begin
    -- Workers first, by an expression that needs no query: every enqueue asks this.
    if pg_has_role(v_caller, to_regrole('reelq_worker')::oid, 'usage') then
        return true;
    end if;
    if pg_has_role(v_caller, to_regrole('reelq_admin')::oid, 'usage') then
        return true;
    end if;
    return coalesce((select pg_has_role(v_caller, space.nspowner, 'usage') from pg_catalog.pg_namespace as space where space.nspname = 'base'), false);
end;
$$;

comment on function base.is_trusted() is $$
Whether the caller is the owner of the schema, an operator (reelq_admin) or a worker, and so may act for every tenant.

Everybody else is held to base.current_tenant(). Functions that run as their owner
ask this, because row policies do not bind them.
$$;
