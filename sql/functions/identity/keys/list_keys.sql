create or replace function identity.list_keys(
    p_tenant text default null, p_user_id uuid default null, p_all boolean default false, p_limit integer default 100, p_after uuid default null
)
returns table (
    id uuid, tenant text, user_id uuid, name text, prefix text, state text, scopes text[], hourly_limit integer, used_this_hour bigint,
    last_used_at timestamptz, expires_at timestamptz, revoked_at timestamptz, replaced_by uuid, created_by text, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
#variable_conflict use_column
declare
    v_tenant uuid := case when p_tenant is not null or base.current_tenant() is not null then identity.named_tenant(p_tenant) end;
    v_user uuid := p_user_id;
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The next ones: p_after, the id of the last.';
    end if;
    if v_tenant is null then
        perform base.check_operator();
    elsif not identity.may_see(v_tenant, v_user) then
        -- A member's list is of their own keys; of another user's there are none.
        v_user := coalesce(v_user, base.current_user_id());
        if not identity.may_see(v_tenant, v_user) then  -- mutant: a member lists all keys
            return;
        end if;
    end if;
    return query
    select r.* from identity.key_rows(array(
        select k.id from identity.api_keys as k
        where
            (v_tenant is null or k.tenant_id = v_tenant) and (v_user is null or k.user_id = v_user)
            and (p_after is null or k.id < p_after)
            and (coalesce(p_all, false) or (k.revoked_at is null and (k.expires_at is null or k.expires_at > base.clock())))
        order by k.id desc
        limit p_limit
    )) as r;
end;
$$;

comment on function identity.list_keys(text, uuid, boolean, integer, uuid) is $$
API keys, newest first: those of a tenant and its users; a member sees their own. The keys themselves nobody sees again.

Arguments
  p_tenant   slug or id; null: the tenant of reelq.tenant_id, else, for operators, all
  p_user_id  only this user's
  p_all      also those that are revoked or expired
  p_limit    so many at most, 1 to 1000
  p_after    go on below this id

Raises
  42501  all tenants are meant, and the caller is no operator
  RQ004  no such tenant, or not the caller's
  RQ008  a limit that cannot be
$$;
