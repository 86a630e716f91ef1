create or replace function identity.has_scope(p_scope text)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text := coalesce(current_setting('reelq.api_key_id', true), '');
begin
    if v_key = '' then
        return true;
    end if;
    -- What is no id is no key, and not the absence of one.
    if v_key !~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$' then
        return false;  -- mutant: a nonsense key may do anything
    end if;
    return exists (
        select from identity.api_keys as k
        where
            k.id = v_key::uuid and k.tenant_id = base.current_tenant()  -- mutant: a foreign key gives its scopes
            and k.revoked_at is null and (k.expires_at is null or k.expires_at > base.clock())
            and (p_scope = any(k.scopes) or 'admin' = any(k.scopes))
    );
end;
$$;

comment on function identity.has_scope(text) is $$
Whether the key of this session (reelq.api_key_id, as identity.authenticate sets it) has a scope; admin has all. True without a key: then the
session acts by user or as the tenant itself. A key that is over, or another tenant's, has none.

Arguments
  p_scope  read, write, delete or admin
$$;
