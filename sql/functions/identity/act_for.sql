create or replace function identity.act_for(p_tenant text)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    -- Slugs are for operators: an application that could ask for ids by slug would learn who else is here.
    if base.is_trusted() then
        v_id := identity.find_tenant(p_tenant);
    elsif p_tenant ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then  -- mutant: anybody learns ids by slug
        v_id := p_tenant::uuid;
    else
        raise exception 'no tenant %', coalesce(quote_literal(left(p_tenant, 80)), 'null') using errcode = 'RQ004', hint = 'Give its id: only the owner and workers may look for a slug.';
    end if;
    perform set_config('reelq.tenant_id', v_id::text, true);
    return v_id;
end;
$$;

comment on function identity.act_for(text) is $$
Until the transaction ends see and do what is this tenant's only: sets reelq.tenant_id. Returns the tenant's id.
  begin; select identity.act_for('acme'); select * from queue.list_jobs(); commit;

Arguments
  p_tenant  a slug or an id; an application gives the id

Raises
  RQ004  no such tenant
$$;
