create or replace function identity.check_other_admin(p_tenant_id uuid, p_user_id uuid)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from identity.users as u
        where
            u.tenant_id = p_tenant_id and u.role = 'admin' and u.deleted_at is null
            and u.id <> p_user_id and u.status in ('active', 'trial')  -- mutant: the last admin may go
            -- Who was invited and has not come is nobody yet. Without a password: an application's own log-in, or an address that was proved.
            and case
                when u.password_hash is null then u.email_verified or u.last_login_at is not null  -- mutant: an admin who never came counts
                else u.email_verified or identity.login_setting('login_needs_verified_email') = 'no'
            end
    ) then
        raise exception 'a tenant must keep an admin who can log in, and user % is the last one', p_user_id
            using errcode = 'RQ009', hint = 'Make another user an admin first: reelq users set USER --role admin, or identity.set_user_role(user, ''admin'').';
    end if;
end;
$$;

comment on function identity.check_other_admin(uuid, uuid) is $$
Refuse when a tenant has no active admin but this user. Whoever asks has locked the admins by identity.lock_user, else two could go at once.

Raises
  RQ009  it is the last admin
$$;
