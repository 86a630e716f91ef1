create or replace function queue.one_visible_tenant()
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := queue.visible_tenant();
begin
    if v_tenant is null then
        raise exception 'reelq.tenant_id must name the tenant that this is asked for'
            using errcode = 'RQ004', hint = 'begin; select identity.act_for(''acme''); … For all tenants: queue.depth(), queue.rates(), queue.stats().';
    end if;
    return v_tenant;
end;
$$;

comment on function queue.one_visible_tenant() is $$
The tenant that reelq.tenant_id names. Raises RQ004 where it names none, for the owner and workers, too.
$$;
