create or replace function identity.show_token(p_token text)
returns table (purpose text, email text, expires_at timestamptz)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select t.purpose, t.email, t.expires_at
    from identity.one_time_tokens as t
    inner join identity.users as u on u.id = t.user_id
    where
        t.token_hash = identity.token_hash(p_token) and t.used_at is null and t.expires_at > base.clock()
        and coalesce(t.tenant_id = identity.pinned_tenant(), true)
        and u.deleted_at is null and u.status in ('active', 'trial')
        and (t.purpose = 'verify_email' or lower(u.email) = lower(t.email));
    if not found then
        perform identity.refuse_credentials();
    end if;
end;
$$;

comment on function identity.show_token(text) is $$
What a token is for, for the page that asks for the new password. It stays good.

Raises
  RQ014  no such token, or it is used, replaced or too old, or its user cannot log in
$$;
