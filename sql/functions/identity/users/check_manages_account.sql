create or replace function identity.check_manages_account(p_user_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_user_id is not distinct from base.current_user_id() then
        perform identity.check_scope('write');  -- mutant: a key that reads changes its user
    else
        perform identity.check_manages_users();
    end if;
end;
$$;

comment on function identity.check_manages_account(uuid) is $$
Refuse who may change neither all users of the tenant nor this one, who is themselves. With an API key one's own account takes the
scope write, another's the scope admin.

Raises
  RQ016  the caller's role, or the key's scope, does not allow it
$$;
