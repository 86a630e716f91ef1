create or replace function identity.sees_whole_tenant()
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Without a user it is the tenant itself; that costs no look at a table.
    if coalesce(current_setting('reelq.user_id', true), '') = '' then
        return true;
    end if;
    return coalesce(identity.member_role() = 'admin', false);
end;
$$;

comment on function identity.sees_whole_tenant() is $$
Whether the caller sees all rows of the tenant: the tenant itself (no reelq.user_id), or a user who is its admin. Others see what is theirs.
$$;
