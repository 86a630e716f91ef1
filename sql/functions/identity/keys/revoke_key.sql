create or replace function identity.revoke_key(p_key_id uuid)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key identity.api_keys%rowtype := identity.lock_key(p_key_id);  -- asks identity.may_change
begin
    update identity.api_keys as k set revoked_at = base.clock() where k.id = v_key.id and k.revoked_at is null;
    return found;
end;
$$;

comment on function identity.revoke_key(uuid) is $$
Take a key back: from the commit on it is refused. Returns whether it was good until now; twice is no error. Nobody who uses the key holds this up.

Raises
  RQ004  no such key, or not one that the caller may see
  RQ016  the user's role or the key's scope does not allow it
$$;
