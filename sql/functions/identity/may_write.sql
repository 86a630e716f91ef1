create or replace function identity.may_write(p_scope text default 'write')
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(current_setting('reelq.api_key_id', true), '') <> '' and not identity.has_scope(p_scope) then  -- mutant: a key without write writes
        return false;
    end if;
    if coalesce(current_setting('reelq.user_id', true), '') = '' then
        return true;
    end if;
    return coalesce(identity.member_role() in ('admin', 'member', 'beta_tester'), false);  -- mutant: a viewer writes
end;
$$;

comment on function identity.may_write(text) is $$
Whether the caller may change anything of the tenant: the tenant itself (no reelq.user_id), or a user who is no viewer; and where a key is
used (reelq.api_key_id), one with the scope.

Arguments
  p_scope  write, or delete for what is deleted for good
$$;
