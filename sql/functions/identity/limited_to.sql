create or replace function identity.limited_to()
returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_role text;
begin
    if coalesce(current_setting('reelq.user_id', true), '') = '' then
        return null;
    end if;
    v_role := identity.member_role();
    if v_role = 'admin' then
        return null;
    end if;
    -- A user who is nobody here is limited to the rows of nobody, of which there are none.
    return case when v_role is not null then base.current_user_id() else '00000000-0000-0000-0000-000000000000' end;
end;
$$;

comment on function identity.limited_to() is $$
The user whose rows alone the caller sees within the tenant (reelq.user_id); null: all of the tenant's. For lists; of one row ask identity.may_see.
$$;
