create or replace function identity.lock_user(
    p_user_id uuid, p_themselves boolean default false, p_deleted boolean default false, p_admins boolean default false, p_scope text default 'admin'
)
returns identity.users
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    select u.* into v_user from identity.users as u where u.id = p_user_id;
    -- Nothing is locked before it is known to be the caller's. What they may not see is answered like what is not there.
    if v_user.id is null or (v_user.deleted_at is not null) <> p_deleted or not identity.may_see(v_user.tenant_id, v_user.id) then
        raise exception 'no user %', coalesce(p_user_id::text, 'null')
            using errcode = 'RQ004', hint = 'Look with: select * from identity.list_users(); an application sets reelq.tenant_id.';
    end if;
    if p_themselves then
        perform identity.check_manages_account(p_user_id, p_scope);
    else
        perform identity.check_manages_users();
    end if;
    -- Two admins who demote each other at the same time: the second waits here, and then counts what the first has left. All of them
    -- before the one that is meant, in the order of ids, so that they do not wait for each other.
    if p_admins then
        perform u.id
        from identity.users as u
        where u.tenant_id = v_user.tenant_id and u.role = 'admin' and u.deleted_at is null
        order by u.id
        for no key update;  -- mutant: admins are counted without a lock
    end if;
    select u.* into v_user from identity.users as u where u.id = p_user_id and (u.deleted_at is not null) = p_deleted for no key update;
    if v_user.id is null then
        raise exception 'no user %', p_user_id using errcode = 'RQ004', hint = 'It was deleted or restored just now.';
    end if;
    return v_user;
end;
$$;

comment on function identity.lock_user(uuid, boolean, boolean, boolean, text) is $$
Lock the row of a user that the caller may change, until the transaction ends, and return it.

Arguments
  p_themselves  whether users may do this to themselves; else the tenant's admins only
  p_deleted     look for a deleted user instead of a live one
  p_admins      lock the tenant's admins too, for identity.check_other_admin
  p_scope       what a key must have for its own user

Raises
  RQ004  no such user, or not one that the caller may see
  RQ016  the caller's role, or the key's scope, does not allow it
$$;
