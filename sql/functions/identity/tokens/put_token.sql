create or replace function identity.put_token(p_user_id uuid, p_purpose text, p_email text, p_pause interval default '0 seconds')
returns table (token text, send_to text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
begin
    token := identity.new_token('rqt');
    insert into identity.one_time_tokens as t (tenant_id, user_id, purpose, token_hash, email, expires_at, created_at, updated_at)
    select u.tenant_id, u.id, p_purpose, identity.token_hash(token), coalesce(p_email, u.email),
        v_now + identity.login_setting('token_' || p_purpose || '_lives')::interval, v_now, v_now
    from identity.users as u
    where u.id = p_user_id and u.deleted_at is null
    on conflict (user_id, purpose) where used_at is null
    do update set token_hash = excluded.token_hash, email = excluded.email, expires_at = excluded.expires_at
    where t.updated_at <= v_now - p_pause
    returning t.email into send_to;
    return next;
end;
$$;

comment on function identity.put_token(uuid, text, text, interval) is $$
Make a user's token of a purpose, in the place of an earlier one. Who may is asked by whoever calls this.

Arguments
  p_email  where it is sent to, and what it proves; null: the user's address
  p_pause  nothing is made so soon after the last one

Returns
  token    told this once; a made-up one where send_to is null
  send_to  null: there is no such user, or it is too soon: send nothing
$$;
