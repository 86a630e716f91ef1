create or replace function identity.end_subscription(p_tenant text, p_user_id uuid default null)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := identity.named_owner(p_tenant, p_user_id);
    v_id uuid;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_user_id is null then
        perform from identity.tenants as t where t.id = v_tenant for no key update;
    else
        perform from identity.users as u where u.id = p_user_id for no key update;
    end if;
    select s.id into v_id from identity.open_subscription(v_tenant, p_user_id) as s;
    if v_id is null then
        raise exception '% must have a live subscription to end', case when p_user_id is null then format('tenant %s', v_tenant) else format('user %s', p_user_id) end
            using errcode = 'RQ009', hint = 'It has none: the tier is what one has without.';
    end if;
    perform identity.close_subscription(v_id, p_user_id);
    return v_id;
end;
$$;

comment on function identity.end_subscription(text, uuid) is $$
End the live subscription of a user, or of a tenant, now; returns its id. Tier and quota are those without one from now on (of a user free
and 30, or what identity.set_quota has set); a user in a trial is active. For operators.

Arguments
  p_tenant   slug or id; null: the user's, else "default"
  p_user_id  null: the tenant's own

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ004  no such tenant or user
  RQ009  there is none
$$;
