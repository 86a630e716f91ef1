create or replace function identity.check_tenant_admin()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    perform identity.check_scope('admin');
    if base.current_user_id() is not null and identity.member_role() is distinct from 'admin' then  -- mutant: a member does what is the admin's
        raise exception 'only an admin of the tenant may do this, not %', coalesce('a ' || identity.member_role(), 'who is no user of it')
            using errcode = 'RQ016', hint = 'An admin changes roles; without reelq.user_id a session is the tenant itself.';
    end if;
end;
$$;

comment on function identity.check_tenant_admin() is $$
Refuse whoever acts as a user who is no admin of the tenant, or by a key without the scope admin. That the tenant is the caller's has been asked before.

Raises
  RQ016  the user's role or the key's scope does not allow it
$$;
