create or replace function identity.member_role()
returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select u.role
        from identity.users as u
        where
            u.id = base.current_user_id() and coalesce(u.tenant_id = base.current_tenant(), false)  -- mutant: a user of another tenant is a member
            and u.deleted_at is null and u.status in ('active', 'trial')
    );
end;
$$;

comment on function identity.member_role() is $$
What the user of reelq.user_id is within the tenant of reelq.tenant_id: admin, member, viewer or beta_tester (a member).
Null when no user is named, and when that is no live user of the tenant, who then sees nothing.
$$;
