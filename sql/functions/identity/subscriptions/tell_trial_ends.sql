create or replace function identity.tell_trial_ends(p_limit integer default 1000)
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
    v_told integer := 0;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    for v_trial in
        update identity.subscriptions as s set trial_end_told = s.trial_ends_at
        where s.id = any(array(
            select d.id from identity.subscriptions as d
            where d.status = 'trialing' and d.trial_ends_at > v_now and d.trial_ends_at <= v_now + interval '3 days'
                and d.trial_end_told is distinct from d.trial_ends_at  -- mutant: the end of a trial is told again and again
            order by d.trial_ends_at limit least(greatest(p_limit, 1), 10000) for no key update skip locked
        ))
        returning s.*
    loop
        perform identity.tell_subscription('trial.ending', v_trial);
        v_told := v_told + 1;
    end loop;
    return v_told;
end;
$$;

comment on function identity.tell_trial_ends(integer) is $$
Tell of trials that end within three days, each end once (event trial.ending). Returns how many: call it until it returns less than p_limit. For upkeep.

Arguments
  p_limit  so many at most, up to 10,000

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
$$;
