create or replace function ops.find_person(p_key text, p_tenant_id uuid)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    -- An id is taken as it is: who is erased is still found.
    if p_key ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
        return p_key::uuid;
    end if;
    select u.id into v_id from identity.users as u
    where lower(u.email) = lower(p_key) and u.deleted_at is null and (p_tenant_id is null or u.tenant_id = p_tenant_id)
        and identity.may_see(u.tenant_id, u.id);  -- mutant: the audit tells who has an account
    if v_id is null then
        raise exception 'no user %', coalesce(quote_literal(left(p_key, 80)), 'null') using errcode = 'RQ004', hint = 'Give the id of the user, or the address of a live account.';
    end if;
    return v_id;
end;
$$;

comment on function ops.find_person(text, uuid) is $$
The id of a user by id or e-mail address, of one tenant or (null) of all.

Raises
  RQ004  no live account has the address, or none that the caller may see
$$;
