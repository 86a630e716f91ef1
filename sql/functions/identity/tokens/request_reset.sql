create or replace function identity.request_reset(p_email text)
returns table (token text, send_to text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant_id uuid := identity.pinned_tenant();
    v_user_id uuid;
    v_of uuid;
    v_noted boolean;
begin
    perform identity.check_manages_users();
    select u.id, u.tenant_id into v_user_id, v_of
    from identity.users as u
    where
        lower(u.email) = lower(trim(p_email)) and u.deleted_at is null and u.status in ('active', 'trial')
        and coalesce(u.tenant_id = v_tenant_id, true);
    select made.token, made.send_to into token, send_to
    from identity.put_token(v_user_id, 'reset_password', null, identity.login_setting('token_every')::interval) as made;
    v_noted := identity.note_attempt('reset', lower(trim(p_email)), v_user_id) is not null;
    -- What is sent is always entered, which token_every bounds; the rest as far as it is kept.
    if v_noted or send_to is not null then
        perform base.record_act(
            'reset.requested', 'user', v_user_id::text, null, null, coalesce(v_of, nullif(v_tenant_id, '00000000-0000-0000-0000-000000000000')),
            jsonb_build_object('sent', send_to is not null)
        );
    end if;
    return next;
end;
$$;

comment on function identity.request_reset(text) is $$
Somebody has forgotten the password of an address. The answer is one row for every address, after the same work; what a page says has to be
the same too: "if there is an account, a mail is on its way". Sending it is the caller's, who therefore gets the token.

With reelq.tenant_id set, accounts of that tenant only. An address gets one in the setting token_every; of those
that send nothing the audit keeps as many as identity.note_attempt.

Returns
  token    for identity.use_password_token, once; told to nobody but by mail to send_to
  send_to  where to; null: there is no such account, it cannot log in, or it is too soon: send nothing, and say the same

Raises
  RQ016  a user who is no admin of the tenant asks, or a key without the scope admin: the token makes its holder that user
$$;
