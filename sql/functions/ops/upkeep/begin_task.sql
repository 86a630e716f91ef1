create or replace function ops.begin_task(p_name text, p_who text, p_anyway boolean default false)
returns table (outcome text, token bigint, seconds double precision)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_task ops.upkeep_tasks;
    v_now timestamptz;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if length(p_who) between 1 and 200 is not true then
        raise exception 'who must have 1 to 200 characters, not %', coalesce(quote_literal(left(p_who, 80)), 'null')
            using errcode = 'RQ008', hint = 'Which clock, on which host, in which process.';
    end if;
    select t.* into v_task from ops.upkeep_tasks as t where t.name = p_name for no key update skip locked;
    if not found then
        perform ops.check_task(p_name);
        return query select 'busy', null::bigint, null::double precision;  -- another session begins or ends it in this moment
        return;
    end if;
    v_now := base.clock();
    if v_task.next_at <> ops.next_due(v_task) then
        v_task.next_at := ops.next_due(v_task);
        update ops.upkeep_tasks as t set next_at = v_task.next_at where t.name = p_name;  -- mutant: a schedule that begins anew is put off at every look
    end if;
    outcome := case
        when ops.is_leased(v_task) then 'busy'  -- mutant: two sessions do one task
        when not ops.may_act_as_owner() and v_task.owner_only then 'owner_only'
        when p_anyway then 'begun'
        when not v_task.enabled then 'off'
        when v_task.next_at > v_now then 'not_due'  -- mutant: every look is a tick
        -- What lies further ahead than any wait was written by a clock that has jumped back since.
        when v_task.retry_at > v_now and v_task.retry_at <= v_now + interval '6 hours' then 'not_due'
        when exists (
            select from ops.upkeep_tasks as f
            where f.name = v_task.after and f.enabled and (ops.is_leased(f) or (f.failures = 0 and f.next_at <= v_now and coalesce(f.retry_at <= v_now, true)))
        ) then 'not_due'  -- mutant: a backup is verified while the first is made
        else 'begun'
    end;
    if outcome = 'begun' then
        update ops.upkeep_tasks as t
        set token = t.token + 1, lease_until = v_now + ops.task_lease(), began_at = v_now, who = p_who
        where t.name = p_name
        returning t.token, extract(epoch from t.time_limit) into token, seconds;
    end if;
    return next;
end;
$$;

comment on function ops.begin_task(text, text, boolean) is $$
Take a task of the upkeep, if it is due and nobody does it: of all clocks that ask in a tick one gets it. Whoever does says ops.keep_task every twenty
seconds, and ops.end_task at the end. Waits for nobody.

Arguments
  p_who     who does it, for ops.list_tasks
  p_anyway  by hand: also when it is not due, or switched off

Returns
  outcome  begun; not_due (or the task that comes first is still to come), busy (another session does it), off, owner_only (the caller does not own the tables)
  token    for ops.keep_task and ops.end_task
  seconds  so long it may take

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such task
  RQ008  who is empty or long
  42501  the caller acts for a tenant
$$;
