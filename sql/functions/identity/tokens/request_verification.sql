create or replace function identity.request_verification(p_user_id uuid, p_email text default null)
returns table (token text, send_to text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    v_user := identity.lock_user(p_user_id, p_themselves => true);
    if not identity.may_write() and lower(trim(p_email)) <> lower(v_user.email) then
        raise exception 'a viewer may not change an account' using errcode = 'RQ016', hint = 'Ask an admin of the tenant.';
    end if;
    if lower(trim(p_email)) <> lower(v_user.email) then
        perform identity.check_fresh_login();
    end if;
    return query
    select made.token, made.send_to
    from identity.put_token(v_user.id, 'verify_email', trim(p_email), identity.login_setting('token_every')::interval) as made;
exception
    when check_violation then
        raise exception 'p_email must be an address, not %', quote_literal(left(p_email, 80)) using errcode = 'RQ008', hint = 'Such as ann@example.com.';
end;
$$;

comment on function identity.request_verification(uuid, text) is $$
A token that proves an address (identity.verify_email): the user's, or a new one that becomes theirs. Sending it is the caller's. Whether a
new one is another account's is not told here.

Arguments
  p_email  a new address; null: the present one

Returns
  token    told to nobody but by mail to send_to
  send_to  null: the user was sent one within the setting token_every: send nothing

Raises
  RQ004  no such user, or not one that the caller may see
  RQ008  it is no address
  RQ016  the caller's role does not allow it, or the user's log-in is too old for another address: see identity.check_fresh_login
$$;
