create or replace function identity.use_password_token(p_token text, p_password_hash text)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_token identity.one_time_tokens;
begin
    v_token := identity.take_token(p_token, array['reset_password', 'invitation']);
    -- Whoever has the token has the mailbox.
    update identity.users as u set email_verified = true where u.id = v_token.user_id;
    perform identity.put_password(v_token.user_id, p_password_hash);
    perform base.record_act(
        case v_token.purpose when 'invitation' then 'invitation.accepted' else 'reset.used' end, 'user', v_token.user_id::text, null, null,
        v_token.tenant_id
    );
    return v_token.user_id;
end;
$$;

comment on function identity.use_password_token(text, text) is $$
Choose a password with a token that was mailed: after identity.request_reset, or an invitation. All sessions of the user end, a lock ends,
and the address counts as proved. Returns the user's id. A second factor is still asked for at the next log-in.

Arguments
  p_password_hash  argon2id, made by identity.argon2_parameters()

Raises
  RQ008  it is no hash; the token stays good
  RQ014  no such token, or it is used, replaced or too old, the account has another address by now, or its user cannot log in
$$;
