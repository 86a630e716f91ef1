create or replace function identity.request_reset(p_email text)
returns table (token text, send_to text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant_id uuid := base.current_tenant();
    v_user_id uuid;
begin
    perform identity.check_manages_users();
    select u.id into v_user_id
    from identity.users as u
    where
        lower(u.email) = lower(trim(p_email)) and u.deleted_at is null and u.status in ('active', 'trial')
        and coalesce(u.tenant_id = v_tenant_id, true);
    select made.token, made.send_to into token, send_to
    from identity.put_token(v_user_id, 'reset_password', null, identity.login_setting('token_every')::interval) as made;
    perform base.record_act(
        'reset.requested', 'user', v_user_id::text, null, null, v_tenant_id, jsonb_build_object('sent', send_to is not null)
    );
    return next;
end;
$$;

comment on function identity.request_reset(text) is $$
Somebody has forgotten the password of an address. The answer is one row for every address, after the same work; what a page says has to be
the same too: "if there is an account, a mail is on its way". Sending it is the caller's, who therefore gets the token.

With reelq.tenant_id set, accounts of that tenant only. An address gets one in the setting token_every.

Returns
  token    for identity.use_password_token, once; told to nobody but by mail to send_to
  send_to  where to; null: there is no such account, it cannot log in, or it is too soon: send nothing, and say the same

Raises
  RQ016  a user who is no admin of the tenant asks, or a key without the scope admin: the token makes its holder that user
$$;
