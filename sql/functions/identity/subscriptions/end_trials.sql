create or replace function identity.end_trials(p_limit integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_trial identity.subscriptions%rowtype;
    v_ended integer := 0;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'How many trials one call ends.';
    end if;
    for v_trial in
        select s.* from identity.subscriptions as s
        where s.status = 'trialing' and s.trial_ends_at <= v_now
        order by s.trial_ends_at limit p_limit
    loop
        -- The owner first, as whoever sets a subscription; one who is held is the next call's.
        if v_trial.user_id is null then
            perform from identity.tenants as t where t.id = v_trial.tenant_id for no key update skip locked;
        else
            perform from identity.users as u where u.id = v_trial.user_id for no key update skip locked;
        end if;
        continue when not found;
        -- Perhaps it was paid a moment ago.
        perform from identity.subscriptions as s where s.id = v_trial.id and s.status = 'trialing' and s.trial_ends_at <= v_now;
        continue when not found;
        perform identity.tell_subscription('trial.ended', v_trial);
        perform identity.close_subscription(v_trial.id, v_trial.user_id);
        v_ended := v_ended + 1;
    end loop;
    return v_ended;
end;
$$;

comment on function identity.end_trials(integer) is $$
End trials that are past their end and have not become subscriptions: the subscription is cancelled, the user active on the tier free (a
tenant on the tier it has without), which is told (events trial.ended, subscription.ended). Returns how many: call it until it returns less than p_limit. Such a trial has given nothing since its
end, also before this has run. For upkeep.

Arguments
  p_limit  so many at most, 1 to 10000

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that cannot be
$$;
