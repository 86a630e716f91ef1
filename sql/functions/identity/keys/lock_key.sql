create or replace function identity.lock_key(p_key_id uuid)
returns identity.api_keys
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key identity.api_keys%rowtype;
begin
    select k.* into v_key from identity.api_keys as k where k.id = p_key_id;
    -- A key that the caller may not see is answered like one that is not there, before its row is waited for.
    if v_key.id is null or not identity.may_see(v_key.tenant_id, v_key.user_id) then  -- mutant: anybody's key is found
        raise exception 'no key %', coalesce(p_key_id::text, 'null')
            using errcode = 'RQ004', hint = 'Look with: reelq keys list, or identity.list_keys(); an application sets reelq.tenant_id.';
    end if;
    perform identity.check_scope('admin');  -- mutant: a key without admin revokes keys
    if not identity.may_change(v_key.tenant_id, v_key.user_id) then
        raise exception 'a viewer must not change keys' using errcode = 'RQ016', hint = 'An admin of the tenant may.';
    end if;
    select k.* into v_key from identity.api_keys as k where k.id = p_key_id for no key update;
    return v_key;
end;
$$;

comment on function identity.lock_key(uuid) is $$
A key that the caller may change, locked until the transaction ends.

Raises
  RQ004  no such key, or not one that the caller may see
  RQ016  the user's role or the key's scope does not allow it
$$;
