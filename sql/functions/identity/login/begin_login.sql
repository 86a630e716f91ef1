create or replace function identity.begin_login(p_email text)
returns table (attempt uuid, recipe text, decoy text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_tenant_id uuid := base.current_tenant();
    v_email text := lower(trim(p_email));
    v_tries integer := identity.login_setting('login_tries')::integer;
    v_first interval := identity.login_setting('login_lock')::interval;
    v_longest interval := identity.login_setting('login_lock_longest')::interval;
    v_salt bytea := identity.login_salt(v_email);
    v_user_id uuid;
    v_hash text;
    v_bcrypt text;
begin
    perform base.check_read_committed();
    -- The tenant in a form that no index serves: by the address there is one row, by the tenant there may be a million.
    select u.id into v_user_id
    from identity.users as u
    where lower(u.email) = v_email and u.deleted_at is null and coalesce(u.tenant_id = v_tenant_id, true);

    -- Counted as failed before it is tried, and taken back by a success: fifty that come at once wait for the row one after the other,
    -- and so many as are allowed are admitted. All statements run for every address, so that none answers sooner.
    update identity.users as u
    set
        failed_login_attempts = u.failed_login_attempts + 1,
        locked_until = case
            when u.failed_login_attempts + 1 >= v_tries  -- mutant: an account is never locked
                then v_now + least(v_first * power(2, least(u.failed_login_attempts + 1 - v_tries, 30)), v_longest)
            else u.locked_until
        end
    where
        u.id = v_user_id and u.deleted_at is null and u.status in ('active', 'trial') and u.password_hash is not null
        and (u.locked_until is null or u.locked_until <= v_now)  -- mutant: a locked account is tried
    returning u.password_hash into v_hash;

    insert into identity.login_attempts (user_id, admitted, address)
    values (
        v_user_id, v_hash is not null,
        case when base.is_email(v_email) then v_email end
    )
    returning id into attempt;

    -- While accounts of another system are left, every log-in takes the time of both ways.
    select left(u.password_hash, 7) into v_bcrypt
    from identity.users as u where u.password_hash like '$2%' and u.deleted_at is null order by u.id limit 1;

    recipe := identity.argon2_parameters() || '$' || rtrim(encode(substr(v_salt, 1, 16), 'base64'), '=');
    -- bcrypt's own base64 begins with "./" and its 22nd letter has two bits only.
    decoy := v_bcrypt || translate(left(encode(substr(v_salt, 9, 24), 'base64'), 21), '+/', './') || 'u';
    if v_hash like '$2%' then
        decoy := recipe;
        recipe := left(v_hash, 29);
    elsif v_hash is not null then
        recipe := regexp_replace(v_hash, '\$[^$]*$', '');
    end if;
    return next;
end;
$$;

comment on function identity.begin_login(text) is $$
The first step of a log-in: gives what a password is hashed with, and counts the log-in as failed until identity.finish_login says
otherwise. Commit before the second step. For every address the answer is of one form: where there is no account, or it is locked,
suspended or without a password, with a salt that is made up, and always the same for that address.

With reelq.tenant_id set, accounts of that tenant only; without it those of all, since an address belongs to one account.
After the setting login_tries of failures in a row an account is locked for login_lock, and each further failure doubles that, up to
login_lock_longest. A success, a reset of the password and identity.unlock_user count anew. Who knows an address can keep its account
locked: sessions that are open go on, and a reset unlocks it.

Returns
  attempt  for identity.finish_login, within five minutes, once
  recipe   the beginning of a hash, with parameters and salt: hash the password so, and pass SHA-256 of the whole hash on
  decoy    null, or another one to hash for nothing, while accounts with bcrypt are left: it keeps the time the same

Raises
  RQ002  the transaction is not READ COMMITTED
$$;
