create or replace function base.current_user_id()
returns uuid
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_text text := current_setting('reelq.user_id', true);
begin
    -- As in base.current_tenant, first as it is nearly always written.
    if v_text like '________-____-____-____-____________'
        and v_text collate "C" ~ '^[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+$'
    then
        return v_text::uuid;
    end if;
    if v_text is null or v_text = '' then
        return null;
    end if;

    -- No user is the tenant itself, which sees more: nonsense must be a user who is nobody.
    if v_text !~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$' then  -- mutant: a nonsense user is the tenant
        return '00000000-0000-0000-0000-000000000000';
    end if;

    return v_text::uuid;
end;
$$;

comment on function base.current_user_id() is $$
The user that this session acts for: the setting reelq.user_id, beside reelq.tenant_id.

Null when it is missing or empty: the session is the tenant's own, such as its server. What is no uuid is a user who does not exist.
Who that is within the tenant says identity.member_role.
$$;
