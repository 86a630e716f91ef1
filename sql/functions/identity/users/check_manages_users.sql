create or replace function identity.check_manages_users(p_role text default null)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not identity.sees_whole_tenant() then  -- mutant: anybody manages users
        raise exception 'only an admin of the tenant may manage its users'
            using errcode = 'RQ016', hint = 'Ask an admin of the tenant; what is your own you may change yourself.';
    end if;
    -- Who manages users gives passwords and sessions: no key of less than all scopes.
    perform identity.check_scope('admin');  -- mutant: a key that reads manages users
    if p_role is null then
        return;
    end if;
    if identity.role_rank(p_role) = 0 then
        raise exception 'role must be admin, member, viewer or beta_tester, not %', quote_literal(left(p_role, 80))
            using errcode = 'RQ008', hint = 'admin: manages the tenant; member: sees and changes what is theirs; viewer: sees it; beta_tester: a member.';
    end if;
    if identity.role_rank(p_role) > identity.role_rank(coalesce(identity.member_role(), 'admin')) then
        raise exception 'nobody gives a role above their own'
            using errcode = 'RQ016', hint = 'Ask an admin of the tenant.';
    end if;
end;
$$;

comment on function identity.check_manages_users(text) is $$
Refuse whoever may not manage a tenant's users: a user (reelq.user_id) who is not its admin, and an API key without the scope admin.

Arguments
  p_role  a role that is to be given; null: none

Raises
  RQ008  no such role
  RQ016  the caller's role, or the key's scope, does not allow it
$$;
