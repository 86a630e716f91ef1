create or replace function ops.key_name(p_key_id uuid, p_tenant_id uuid)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_name text;
begin
    if to_regclass('identity.api_keys') is null then
        return null;
    end if;
    execute 'select k.name from identity.api_keys as k where k.id = $1 and k.tenant_id = $2' into v_name using p_key_id, p_tenant_id;
    return v_name;
end;
$$;

comment on function ops.key_name(uuid, uuid) is $$
What people call an API key; null when it is gone.
$$;
