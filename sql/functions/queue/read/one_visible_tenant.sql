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
    if identity.limited_to() is not null then
        raise exception 'user % must be an admin of the tenant to see figures of all of it', base.current_user_id()
            using errcode = 'RQ016', hint = 'A tenant''s admin can change the role; without reelq.user_id the tenant itself asks.';
    end if;
    return v_tenant;
end;
$$;

comment on function queue.one_visible_tenant() is $$
The tenant that reelq.tenant_id names. Raises RQ004 where it names none, for the owner and workers, too, and RQ016 for a user
who is not its admin.
$$;
