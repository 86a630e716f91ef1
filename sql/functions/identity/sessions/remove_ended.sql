create or replace function identity.remove_ended(p_limit integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_before timestamptz := v_now - identity.login_setting('keep_ended_sessions')::interval;
    v_removed integer := 0;
    v_some integer;
begin
    perform base.check_operator();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'p_limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'Call it again until it returns 0.';
    end if;
    -- Revoked ones too go by the end that they would have had: one index, and each is walked over once.
    delete from identity.user_sessions as s
    where s.id = any(array(
        select e.id from identity.user_sessions as e where e.expires_at < v_before order by e.expires_at limit p_limit for update skip locked
    ));
    get diagnostics v_some = row_count;
    v_removed := v_removed + v_some;
    delete from identity.one_time_tokens as t
    where t.id = any(array(
        select e.id from identity.one_time_tokens as e where e.expires_at < v_before order by e.expires_at limit p_limit for update skip locked
    ));
    get diagnostics v_some = row_count;
    v_removed := v_removed + v_some;
    delete from identity.login_attempts as a
    where a.id = any(array(
        select e.id from identity.login_attempts as e
        where e.created_at < v_now - interval '1 hour'
        order by e.created_at limit p_limit for update skip locked
    ));
    get diagnostics v_some = row_count;
    return v_removed + v_some;
end;
$$;

comment on function identity.remove_ended(integer) is $$
Remove sessions and tokens whose time is over for longer than the setting keep_ended_sessions, and log-ins that were never finished. Waits
for nobody. For a timer. Returns how many rows went; 0: nothing is left.

Arguments
  p_limit  at most so many of each kind, 1 to 10000

Raises
  RQ008  p_limit is none
  42501  the caller acts for a tenant
$$;
