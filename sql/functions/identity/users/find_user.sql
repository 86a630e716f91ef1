create or replace function identity.find_user(p_key text, p_deleted boolean default false)
returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    if p_key ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
        select u.* into v_user from identity.users as u where u.id = p_key::uuid;
    else
        select u.* into v_user
        from identity.users as u
        where lower(u.email) = lower(p_key) and u.deleted_at is null;
    end if;
    if v_user.id is null or (v_user.deleted_at is not null) <> p_deleted or not identity.may_see(v_user.tenant_id, v_user.id) then
        raise exception 'no user %', coalesce(quote_literal(left(p_key, 80)), 'null')
            using errcode = 'RQ004', hint = 'Give an address or an id; a deleted user has an id only. Look with: reelq users list, or identity.list_users().';
    end if;
    return v_user.id;
end;
$$;

comment on function identity.find_user(text, boolean) is $$
The id of the user with an address (whatever its case) or an id.

Arguments
  p_deleted  look for a deleted user, who has an id only; null: for either

Raises
  RQ004  no such user, or not one that the caller may see
$$;
