create or replace function identity.take_token(p_token text, p_purposes text[])
returns identity.one_time_tokens
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_token identity.one_time_tokens;
    v_tenant_id uuid := base.current_tenant();
begin
    -- The user first, as whoever changes a password or ends sessions: see docs/design/locks.md.
    perform from identity.users as u
    where u.id = (select t.user_id from identity.one_time_tokens as t where t.token_hash = identity.token_hash(p_token))
    for no key update;
    -- One statement: of two that come at once the second waits, and then finds it used.
    update identity.one_time_tokens as t
    set used_at = base.clock()
    where
        t.token_hash = identity.token_hash(p_token) and t.purpose = any(p_purposes)
        and t.used_at is null  -- mutant: a token is used twice
        and t.expires_at > base.clock()  -- mutant: a token lives for ever
        and coalesce(t.tenant_id = v_tenant_id, true)
        and exists (select from identity.users as u where u.id = t.user_id and u.deleted_at is null and u.status in ('active', 'trial'))
    returning t.* into v_token;
    if v_token.id is null then
        perform identity.refuse_credentials();
    end if;
    return v_token;
end;
$$;

comment on function identity.take_token(text, text[]) is $$
Use a token up.

Raises
  RQ014  no such token, or it is used, replaced or too old, or its user cannot log in
$$;
