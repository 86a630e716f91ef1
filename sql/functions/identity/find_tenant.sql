create or replace function identity.find_tenant(p_key text)
returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    select t.id into v_id
    from identity.tenants as t
    where (t.slug = p_key or t.id::text = lower(p_key)) and base.may_act_for(t.id);
    if v_id is null then
        raise exception 'no tenant %', coalesce(quote_literal(left(p_key, 80)), 'null') using errcode = 'RQ004', hint = 'Look with: reelq tenants list';
    end if;
    return v_id;
end;
$$;

comment on function identity.find_tenant(text) is $$
The id of the tenant with a slug or an id, whatever its status.

Raises
  RQ004  no such tenant, or not the caller's
$$;
