create or replace function identity.pinned_tenant()
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(current_setting('reelq.tenant_id', true), '') = '' then
        return null;
    end if;
    -- No tenant is all of them for a log-in: nonsense must be a tenant that is none.
    return coalesce(base.current_tenant(), '00000000-0000-0000-0000-000000000000');  -- mutant: a log-in for a nonsense tenant is one for all
end;
$$;

comment on function identity.pinned_tenant() is $$
The tenant whose accounts alone may log in: the setting reelq.tenant_id; null: it is not set, and all tenants' may. What is no uuid, as a slug,
is a tenant that is none.

Raises
  RQ008  the setting is no uuid, and the caller is the owner or an operator
$$;
