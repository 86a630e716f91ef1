create or replace function identity.invite_user(
    p_email text,
    p_role text default 'member',
    p_full_name text default null,
    p_tenant_id uuid default null
)
returns table (user_id uuid, token text, send_to text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant_id uuid := identity.check_tenant(p_tenant_id);
begin
    perform identity.check_manages_users(coalesce(p_role, ''));
    -- Who was invited and has not come yet is invited again.
    select u.id into user_id
    from identity.users as u
    where
        lower(u.email) = lower(trim(p_email)) and u.deleted_at is null and u.tenant_id = v_tenant_id
        and u.password_hash is null and not u.email_verified and u.status in ('active', 'trial') and u.role = p_role;
    if user_id is null then
        user_id := identity.create_user(p_email, p_role, p_full_name, null, v_tenant_id);
    end if;
    select made.token, made.send_to into token, send_to from identity.put_token(user_id, 'invitation', null) as made;
    return next;
end;
$$;

comment on function identity.invite_user(text, text, text, uuid) is $$
Make an account and a token with which its user chooses a password (identity.use_password_token). Again for who has not come yet: a new token.
Sending it is the caller's.

Arguments
  p_role       admin, member, viewer or beta_tester; not above the caller's own
  p_tenant_id  null: the tenant of reelq.tenant_id, else the tenant "default"

Returns
  token    told to nobody but by mail to send_to

Raises
  55P03  another session holds the address or username for more than 2 seconds
  RQ004  no such tenant, or not the caller's
  RQ008  a value is not a legal one
  RQ009  the address is taken
  RQ012  the tenant is suspended or deleted
  RQ016  the caller's role, or the key's scope, does not allow it
$$;
