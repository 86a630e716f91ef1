create or replace function identity.show_user(p_user_id uuid)
returns table (
    id uuid, tenant text, email text, email_verified boolean, username text, full_name text, avatar_url text, role text, status text,
    has_password boolean, two_factor_enabled boolean, recovery_codes_left bigint, sessions bigint, failed_login_attempts integer,
    locked_until timestamptz, last_login_at timestamptz, timezone text, language text, settings jsonb, metadata jsonb,
    created_at timestamptz, status_changed_at timestamptz, deleted_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select u.id, t.slug, u.email, u.email_verified, u.username, u.full_name, u.avatar_url, u.role, u.status,
        u.password_hash is not null, u.two_factor_enabled,
        (select count(*) from identity.recovery_codes as c where c.user_id = u.id and c.used_at is null),
        (
            select count(*)
            from identity.user_sessions as s
            inner join identity.session_last_uses as l on l.session_id = s.id
            where
                s.user_id = u.id and s.revoked_at is null and s.expires_at > base.clock()
                and l.used_at > base.clock() - identity.login_setting('session_idle')::interval
        ),
        u.failed_login_attempts, u.locked_until, u.last_login_at, u.timezone, u.language, u.settings, u.metadata, u.created_at,
        u.status_changed_at, u.deleted_at
    from identity.users as u
    inner join identity.tenants as t on t.id = u.tenant_id
    where u.id = p_user_id and identity.may_see(u.tenant_id, u.id);
    if not found then
        raise exception 'no user %', coalesce(p_user_id::text, 'null')
            using errcode = 'RQ004', hint = 'Look with: select * from identity.list_users(); an application sets reelq.tenant_id.';
    end if;
end;
$$;

comment on function identity.show_user(uuid) is $$
One user, deleted or not, with how many sessions are live and how many recovery codes are left. No secret is among it.

Raises
  RQ004  no such user, or not one that the caller may see
$$;
