create or replace function identity.verify_email(p_token text)
returns table (user_id uuid, told_to text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '500ms'  -- mutant: verify_email waits for another session's address
as $$
declare
    v_token identity.one_time_tokens;
    v_before text;
begin
    v_token := identity.take_token(p_token, array['verify_email']);
    v_before := (select u.email from identity.users as u where u.id = v_token.user_id);
    update identity.users as u
    set
        email = v_token.email,
        email_verified = true
    where u.id = v_token.user_id;
    -- What was mailed to another address must not reset the password of this one.
    delete from identity.one_time_tokens as t
    where t.user_id = v_token.user_id and t.used_at is null and lower(t.email) <> lower(v_token.email);
    perform base.record_act('email.verified', 'user', v_token.user_id::text, null, null, v_token.tenant_id);
    user_id := v_token.user_id;
    told_to := case when lower(v_before) <> lower(v_token.email) then v_before end;
    return next;
exception
    when lock_not_available then
        raise exception 'another session holds the account, or is about to take the address'
            using errcode = 'lock_not_available', hint = 'Try again in a moment: the token is still good.';
    when unique_violation then
        -- The mailbox is theirs, so this may be told: another account has the address.
        raise exception 'email must be a new one, not one that another user has'
            using errcode = 'RQ009', hint = 'Log in with that account, or choose another address.';
end;
$$;

comment on function identity.verify_email(text) is $$
An address is proved: it is the user's from now on, and verified.

Returns
  user_id  whose it is
  told_to  the address of before, where it is another one: mail there that it was changed, so that its owner hears of it; null: it is the same

Raises
  55P03  another session holds the account, or is about to take the address: try again
  RQ009  another account has the address by now
  RQ014  no such token, or it is used, replaced or too old, or its user cannot log in
$$;
