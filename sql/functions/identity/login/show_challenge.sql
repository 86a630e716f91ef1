create or replace function identity.show_challenge(p_challenge uuid)
returns table (user_id uuid, sealed_secret bytea, at_time timestamptz)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    update identity.login_attempts as a
    set shown_in = pg_current_xact_id()
    from identity.users as u
    where
        u.id = a.user_id and a.id = p_challenge and a.step = 'second_factor' and a.created_at > base.clock() - interval '5 minutes'
        and a.shown_in is null  -- mutant: a challenge is good for many codes
        and u.deleted_at is null and u.two_factor_enabled
        and coalesce(u.tenant_id = identity.pinned_tenant(), true)
    returning u.id, u.two_factor_secret, base.clock();
    if not found then
        perform identity.refuse_credentials();
    end if;
end;
$$;

comment on function identity.show_challenge(uuid) is $$
What a code of the second factor is checked with, once the password was right. Uses the challenge up: it is shown once, and good for one code.
Commit before identity.finish_second_factor, which is called for a recovery code too.

Arguments
  p_challenge  from identity.finish_login, not older than five minutes

Returns
  sealed_secret  opens for the row user_id of identity.users, column two_factor_secret
  at_time        the time whose code is due

Raises
  RQ014  no such challenge, or it is used or too old
$$;
