create or replace function ops.is_of_tenant(p_table text, p_id uuid)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant_id constant uuid := base.current_tenant();
    v_found boolean;
begin
    if v_tenant_id is null or to_regclass(p_table) is null then
        return false;
    end if;
    execute format('select exists (select from %s as t where t.id = $1 and t.tenant_id = $2)', to_regclass(p_table)) into v_found using p_id, v_tenant_id;
    return v_found;
end;
$$;

comment on function ops.is_of_tenant(text, uuid) is $$
Whether a row is of the tenant in reelq.tenant_id; false without one.

Arguments
  p_table  a table with id and tenant_id, as identity.users
  p_id     the row

Raises
  RQ008  reelq.tenant_id is no uuid, and the caller is the owner, a worker or an operator
$$;
