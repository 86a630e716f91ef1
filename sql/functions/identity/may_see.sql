create or replace function identity.may_see(p_tenant_id uuid, p_user_id uuid)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_role text;
begin
    if not base.may_act_for(p_tenant_id) then
        return false;
    end if;
    -- The common case, without a user, calls nothing more.
    if coalesce(current_setting('reelq.user_id', true), '') = '' then
        return true;
    end if;
    if base.current_tenant() is null then
        return false;
    end if;
    v_role := identity.member_role();
    return coalesce(v_role = 'admin' or (v_role is not null and p_user_id = base.current_user_id()), false);  -- mutant: a member sees all of the tenant
end;
$$;

comment on function identity.may_see(uuid, uuid) is $$
Whether the caller may see a row of this tenant and user. As base.may_act_for, and within the tenant a user (reelq.user_id) who is not
its admin sees their own only. A user without a tenant sees nothing.

Arguments
  p_tenant_id  whose row it is; null: no tenant's, for trusted callers only
  p_user_id    which user's; null: nobody's in particular, for the tenant itself and its admin
$$;
