create or replace function base.may_act_for(p_tenant_id uuid)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
begin
    -- Each call of a function costs as much as a look into an index: none where no tenant is named.
    if current_setting('reelq.tenant_id', true) <> '' then
        v_tenant := base.current_tenant();
    end if;
    if v_tenant is not null then
        return v_tenant is not distinct from p_tenant_id;
    end if;

    return base.is_trusted();
end;
$$;

comment on function base.may_act_for(uuid) is $$
Whether the caller may see and change rows of this tenant.

True for the tenant named by the setting reelq.tenant_id; without that setting,
true for the owner and for workers and false for everybody else.

Arguments
  p_tenant_id  null means a row without a tenant: trusted callers only
$$;
