create or replace function identity.find_account(p_user text)
returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    if p_user ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
        select u.id into v_id from identity.users as u where u.id = p_user::uuid and u.deleted_at is null and identity.may_see(u.tenant_id, u.id);
    else
        select u.id into v_id from identity.users as u where lower(u.email) = lower(p_user) and u.deleted_at is null and identity.may_see(u.tenant_id, u.id);
    end if;
    if v_id is null then
        raise exception 'no user %', coalesce(quote_literal(left(p_user, 255)), 'null')
            using errcode = 'RQ004', hint = 'An id or an e-mail address: select user_id, email from identity.accounts.';
    end if;
    return v_id;
end;
$$;

comment on function identity.find_account(text) is $$
The id of the live user with an id or an e-mail address, whatever its case.

Raises
  RQ004  no such user, or not one that the caller may see
$$;
