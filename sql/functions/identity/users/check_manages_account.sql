create or replace function identity.check_manages_account(p_user_id uuid, p_scope text default 'admin')
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_user_id is not distinct from base.current_user_id() then
        -- Whoever has read a key that writes would have the account else, and for longer than the key.
        perform identity.check_scope(p_scope);  -- mutant: a key that reads changes its user
    else
        perform identity.check_manages_users();
    end if;
end;
$$;

comment on function identity.check_manages_account(uuid, text) is $$
Refuse who may change neither all users of the tenant nor this one, who is themselves. With an API key another's account takes the
scope admin.

Arguments
  p_scope  what one's own account takes: write for what it says of its user; admin for password, second factor, address, sessions and erasure

Raises
  RQ016  the caller's role, or the key's scope, does not allow it
$$;
