create or replace function identity.named_owner(p_tenant text, p_user_id uuid)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
begin
    if p_user_id is not null and p_tenant is null and base.current_tenant() is null then
        -- An operator who names a user need not know of which tenant.
        select u.tenant_id into v_tenant from identity.users as u where u.id = p_user_id and u.deleted_at is null and base.may_act_for(u.tenant_id);
    else
        v_tenant := identity.named_tenant(p_tenant);
    end if;
    if p_user_id is not null and not exists (
        select from identity.users as u
        where u.id = p_user_id and u.tenant_id = v_tenant and u.deleted_at is null and identity.may_see(u.tenant_id, u.id)
    ) then
        raise exception 'no user %', p_user_id
            using errcode = 'RQ004', hint = 'Check the id: select id, email from identity.users; as an application, set reelq.tenant_id.';
    end if;
    return v_tenant;
end;
$$;

comment on function identity.named_owner(text, uuid) is $$
The id of the tenant of an owner, who is a live user of it or, without one, the tenant itself.

Arguments
  p_tenant   slug or id; null: the user's, else the tenant of reelq.tenant_id, else "default"
  p_user_id  null: the tenant itself

Raises
  RQ004  no such tenant or user, or not one that the caller may see
$$;
