create or replace function ops.end_task(p_name text, p_token bigint, p_outcome text, p_error text default null, p_result jsonb default null)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_task ops.upkeep_tasks;
    v_now timestamptz;
    v_next timestamptz;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_outcome in ('done', 'failed', 'later', 'interrupted') is not true then
        raise exception 'outcome must be done, failed, later or interrupted, not %', coalesce(quote_literal(left(p_outcome, 80)), 'null')
            using errcode = 'RQ008', hint = 'later: something was in the way, and the next try may find it gone.';
    end if;
    select t.* into v_task from ops.upkeep_tasks as t where t.name = p_name for no key update;
    if not found then
        perform ops.check_task(p_name);
    end if;
    if v_task.token is distinct from p_token or v_task.lease_until is null then  -- mutant: who was taken over ends another's run
        return false;
    end if;
    v_now := base.clock();
    -- From the beginning: a tick that came meanwhile may have come too late for this run.
    v_next := queue.next_tick(v_task.cron, 'UTC', least(v_task.began_at, v_now));
    update ops.upkeep_tasks as t
    set
        lease_until = null, ended_at = v_now, outcome = p_outcome, error = left(p_error, 2000), result = p_result,
        succeeded_at = case when p_outcome = 'done' then v_now else t.succeeded_at end,
        next_at = case when p_outcome = 'done' then v_next else t.next_at end,  -- mutant: a task that failed counts as done
        failures = case p_outcome when 'done' then 0 when 'failed' then t.failures + 1 else t.failures end,
        retry_at = case p_outcome
            when 'failed' then v_now + least(interval '10 minutes' * power(2, least(t.failures, 10)), interval '6 hours')
            when 'later' then v_now + interval '5 minutes'
        end
    where t.name = p_name;
    if p_outcome = 'failed' and v_task.failures = 0 then  -- mutant: every try is told
        perform base.emit_event(
            'upkeep.failed', null, 'upkeep:' || p_name,
            jsonb_build_object('task', p_name, 'error', left(p_error, 2000), 'who', v_task.who, 'began_at', v_task.began_at)
        );
    end if;
    return true;
end;
$$;

comment on function ops.end_task(text, bigint, text, text, jsonb) is $$
Write down how a task went. One that is done is due again at its next tick; one that failed is tried again after ten minutes, then twenty, up to six hours;
one that something was in the way of after five minutes; one that was interrupted at once. The first failure in a row writes the event upkeep.failed.

Arguments
  p_outcome  done, failed, later, interrupted
  p_error    why it was not done
  p_result   what it did: a JSON object of a few figures

Returns whether it was written: false when another session has taken the task over.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such task
  RQ008  no such outcome
  42501  the caller acts for a tenant
$$;
