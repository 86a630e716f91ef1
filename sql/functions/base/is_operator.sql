create or replace function base.is_operator()
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if base.current_tenant() is not null then  -- mutant: whoever acts for a tenant is an operator
        return false;
    end if;

    -- As in base.is_trusted: who called, not whose function this is called from.
    return base.is_trusted()
        or pg_has_role(coalesce(nullif(current_setting('role', true), 'none'), session_user::text)::name, 'pg_monitor', 'usage');
end;
$$;

comment on function base.is_operator() is $$
Whether the caller may see what is no tenant's: workers, limits, pauses, load, and what operators wrote.

True for the owner, for workers, and for members of pg_monitor, Postgres' own role for those who look after a server;
false for whoever has named a tenant in reelq.tenant_id. It gives nobody a tenant's rows: see base.may_act_for.
$$;
