create or replace function identity.check_may_write(p_scope text default 'write')
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(current_setting('reelq.api_key_id', true), '') <> '' then
        perform identity.check_scope(p_scope);
    end if;
    if not identity.may_write(p_scope) then
        raise exception 'user % must be an admin or member of the tenant to change anything, not %', base.current_user_id(), coalesce(identity.member_role(), 'a stranger')
            using errcode = 'RQ016', hint = 'A tenant''s admin can change the role; without reelq.user_id the tenant itself acts.';
    end if;
end;
$$;

comment on function identity.check_may_write(text) is $$
Refuse a user who may only look: a viewer, or whoever is no live user of the tenant; and a key without the scope. See identity.may_write.

Arguments
  p_scope  as of identity.may_write

Raises
  RQ016  the user's role, or the key's scope, does not allow this
$$;
