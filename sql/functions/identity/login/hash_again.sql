create or replace function identity.hash_again(p_attempt uuid, p_password_hash text)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user_id uuid;
begin
    if p_password_hash is null or p_password_hash not like '$argon2id$%' then
        raise exception 'p_password_hash must be a hash of argon2id' using errcode = 'RQ008', hint = 'worker/passwords.py makes one, by identity.argon2_parameters().';
    end if;
    -- The user first: another password that was set meanwhile has taken the attempt away.
    select u.id into v_user_id
    from identity.users as u
    where
        u.id = (select a.user_id from identity.login_attempts as a where a.id = p_attempt and a.step = 'hash_again')
        and u.deleted_at is null and u.status in ('active', 'trial') and coalesce(u.tenant_id = identity.pinned_tenant(), true)
    for no key update;
    delete from identity.login_attempts as a
    where a.id = p_attempt and a.step = 'hash_again' and a.user_id = v_user_id and a.created_at > base.clock() - interval '5 minutes';
    if not found then
        return false;
    end if;
    update identity.users as u set password_hash = p_password_hash where u.id = v_user_id;
    return true;
exception
    when check_violation then
        raise exception 'p_password_hash must be a hash of argon2id' using errcode = 'RQ008', hint = 'worker/passwords.py makes one, by identity.argon2_parameters().';
end;
$$;

comment on function identity.hash_again(uuid, text) is $$
Keep the same password under a newer hash; sessions go on. Returns whether it was done: once after a log-in that asked for it, within five minutes.

Arguments
  p_attempt        the one that identity.finish_login has answered with hash_again
  p_password_hash  argon2id, made by identity.argon2_parameters()

Raises
  RQ008  it is no hash of argon2id, or one that costs too much
$$;
