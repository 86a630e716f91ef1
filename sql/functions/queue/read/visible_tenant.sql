create or replace function queue.visible_tenant()
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := base.current_tenant();
begin
    if v_tenant is null and not base.is_trusted() then
        raise exception 'reelq.tenant_id must be set to see jobs'
            using errcode = 'RQ004', hint = 'Set reelq.tenant_id to your own tenant.';
    end if;
    return v_tenant;
end;
$$;

comment on function queue.visible_tenant() is $$
Whose jobs the caller may see: the tenant in reelq.tenant_id, or null for all of them when the caller is the owner
or a worker. Raises RQ004 for anybody else.
$$;
