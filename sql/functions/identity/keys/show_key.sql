create or replace function identity.show_key(p_key_id uuid)
returns table (
    id uuid, tenant text, user_id uuid, name text, prefix text, state text, scopes text[], hourly_limit integer, used_this_hour bigint,
    last_used_at timestamptz, expires_at timestamptz, revoked_at timestamptz, replaced_by uuid, created_by text, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if not exists (select from identity.api_keys as k where k.id = p_key_id and identity.may_see(k.tenant_id, k.user_id)) then
        raise exception 'no key %', coalesce(p_key_id::text, 'null')
            using errcode = 'RQ004', hint = 'Look with: reelq keys list, or identity.list_keys(); an application sets reelq.tenant_id.';
    end if;
    return query select r.* from identity.key_rows(array[p_key_id]) as r;
end;
$$;

comment on function identity.show_key(uuid) is $$
One API key: whose it is, what it may do, how often it was used this hour and when last, and whether it is good.

Raises
  RQ004  no such key, or not one that the caller may see
$$;
