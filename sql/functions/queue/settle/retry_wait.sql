create or replace function queue.retry_wait(
    p_policy queue.retry_policies,
    p_attempts integer,
    p_retry_after_s double precision default null
)
returns interval
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_cap_s double precision := extract(epoch from p_policy.cap);
    v_wait_s double precision;
begin
    if p_retry_after_s >= 0 then
        return make_interval(secs => least(p_retry_after_s, 30 * 86400));
    end if;
    -- Bound the exponent, so that power() cannot overflow after many attempts.
    v_wait_s := least(
        v_cap_s,  -- mutant: waits without a cap
        extract(epoch from p_policy.base) * power(p_policy.factor::double precision, least(greatest(p_attempts - 1, 0), 100))
    );
    return make_interval(secs => case when p_policy.jitter = 'full' then v_wait_s * random() else v_wait_s end);  -- mutant: no jitter
end;
$$;

comment on function queue.retry_wait(queue.retry_policies, integer, double precision) is $$
How long to wait before the next attempt.

Arguments
  p_attempts       attempts so far, 1 after the first
  p_retry_after_s  what the other side asked for, in seconds; wins, up to 30 days
$$;
