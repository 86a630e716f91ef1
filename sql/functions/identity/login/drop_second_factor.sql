create or replace function identity.drop_second_factor(p_user_id uuid, p_but uuid default null)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
begin
    v_user := identity.lock_user(p_user_id, p_themselves => true);
    if not v_user.two_factor_enabled and v_user.two_factor_secret is null then  -- nothing to do is no act
        return;
    end if;
    update identity.users as u
    set
        two_factor_enabled = false,
        two_factor_secret = null,
        two_factor_last_step = null
    where u.id = v_user.id;
    delete from identity.recovery_codes as c where c.user_id = v_user.id;
    perform identity.drop_sessions(v_user.id, 'second_factor_changed', p_but);
    perform base.record_act('second_factor.removed', 'user', v_user.id::text, null, null, v_user.tenant_id);
end;
$$;

comment on function identity.drop_second_factor(uuid, uuid) is $$
Take a second factor and its recovery codes away; sessions end, but for one. Users do it for themselves, the tenant's admins for those
who lost theirs. Of somebody who has none nothing changes, and the audit tells of no act.

Arguments
  p_but  the session that goes on; null: none

Raises
  RQ004  no such user, or not one that the caller may see
$$;
