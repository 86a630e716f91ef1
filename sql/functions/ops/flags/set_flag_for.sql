create or replace function ops.set_flag_for(p_name text, p_tenant text, p_user_id uuid, p_on boolean)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
    v_id uuid;
    v_flag ops.feature_flags;
    v_rules jsonb;
begin
    perform base.check_operator();
    v_tenant := identity.named_owner(p_tenant, p_user_id);
    v_id := coalesce(p_user_id, v_tenant);
    select f.* into v_flag from ops.feature_flags as f where f.name = p_name for no key update;
    if not found then
        raise exception 'no flag %', coalesce(quote_literal(left(p_name, 80)), 'null')
            using errcode = 'RQ004', hint = 'ops.set_flag(name, ''{"enabled": true}'') makes it, on for nobody yet.';
    end if;
    v_rules := (
        select coalesce(jsonb_agg(r.value order by r.n), '[]')
        from jsonb_array_elements(case when p_user_id is null then v_flag.tenant_rules else v_flag.user_rules end) with ordinality as r (value, n)
        where coalesce(r.value ->> 'id', r.value #>> '{}') <> v_id::text
    ) || case when p_on is null then '[]' else jsonb_build_array(jsonb_build_object('id', v_id, 'on', p_on)) end;
    if jsonb_array_length(v_rules) > 1000 then
        raise exception 'a flag must have 1,000 rules or fewer of a kind' using errcode = 'RQ008', hint = 'A segment, or a percentage, names more with one rule.';
    end if;
    if p_user_id is null then
        update ops.feature_flags as f set tenant_rules = v_rules where f.id = v_flag.id;
    else
        update ops.feature_flags as f set user_rules = v_rules where f.id = v_flag.id;
    end if;
end;
$$;

comment on function ops.set_flag_for(text, text, uuid, boolean) is $$
Switch a flag for one tenant or one user, whatever its percentage is; where it is off for everybody it stays off. Audited. For operators.

Arguments
  p_tenant   slug or id; null: the user's, else "default"
  p_user_id  null: the tenant
  p_on       null: no rule any more, as others

Raises
  42501  the caller acts for a tenant
  RQ004  no such flag, tenant or user
  RQ008  more than 1,000 of them
$$;
