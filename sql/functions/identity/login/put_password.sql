create or replace function identity.put_password(p_user_id uuid, p_password_hash text, p_but uuid default null)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update identity.users as u
    set
        password_hash = p_password_hash,
        failed_login_attempts = 0,
        locked_until = null
    where u.id = p_user_id;
    perform identity.drop_sessions(p_user_id, 'password_changed', p_but);
    delete from identity.one_time_tokens as t
    where t.user_id = p_user_id and t.used_at is null and t.purpose <> 'verify_email';
exception
    when check_violation then
        raise exception 'p_password_hash must be a hash of argon2id or bcrypt, not a password'
            using errcode = 'RQ008', hint = 'worker/passwords.py makes one; its 16 bytes of salt and 32 of digest are part of it.';
end;
$$;

comment on function identity.put_password(uuid, text, uuid) is $$
Write a password's hash; end the sessions but one, and take back what could set another one. Who may is asked by whoever calls this.

Raises
  RQ008  it is no hash
$$;
