create or replace function ops.check_subject(p_user_id uuid)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := coalesce(
        (select u.tenant_id from identity.users as u where u.id = p_user_id),
        (select e.tenant_id from ops.erasures as e where e.user_id = p_user_id limit 1)
    );
begin
    -- Their own they may always ask for, a viewer too: it is their right.
    if v_tenant is null or not identity.may_see(v_tenant, p_user_id) then  -- mutant: anybody exports and erases anybody
        raise exception 'no user %', coalesce(p_user_id::text, 'null') using errcode = 'RQ004', hint = 'Check the id; as an application, set reelq.tenant_id.';
    end if;
    return v_tenant;
end;
$$;

comment on function ops.check_subject(uuid) is $$
The tenant of a user who is there or was erased, and whom the caller may see: themselves, for a tenant's admin and the tenant itself those of the tenant, for operators all.

Raises
  RQ004  nobody, or nobody whom the caller may see
$$;
