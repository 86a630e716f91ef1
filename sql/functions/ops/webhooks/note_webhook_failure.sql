create or replace function ops.note_webhook_failure(p_webhook_id uuid, p_code text, p_is_gone boolean default false)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_webhook ops.webhooks;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    -- Who has it is counting a failure of the same moment; or is the tenant, whose open transaction must not hold a worker's slots.
    select w.* into v_webhook from ops.webhooks as w where w.id = p_webhook_id for no key update skip locked;  -- mutant: a tenant's transaction holds slots
    if not found and exists (select from ops.webhooks as w where w.id = p_webhook_id) then
        return 'busy';
    elsif not found or v_webhook.status <> 'active' then
        return 'disabled';
    end if;
    v_webhook.failures := v_webhook.failures + 1;
    v_webhook.last_error := left(p_code, 63);
    if v_webhook.failures >= queue.setting('webhook_failures')::integer then  -- mutant: one failure is enough
        v_webhook.failing_since := coalesce(v_webhook.failing_since, v_now);
    end if;
    update ops.webhooks as w
    set failures = v_webhook.failures, failing_since = v_webhook.failing_since, last_error = v_webhook.last_error, last_failed_at = v_now
    where w.id = p_webhook_id;
    if p_is_gone then
        perform ops.disable_failing(v_webhook, 'it answered that it is gone (status 410)');
        return 'disabled';
    elsif v_webhook.failing_since <= v_now - queue.setting('webhook_disable_after')::interval then
        perform ops.disable_failing(v_webhook, 'it had been failing since ' || v_webhook.failing_since);
        return 'disabled';
    elsif v_webhook.failing_since is not null then
        perform ops.hold_webhook(p_webhook_id, true);
        perform ops.start_probe(p_webhook_id);
        return 'failing';
    end if;
    return 'active';
end;
$$;

comment on function ops.note_webhook_failure(uuid, text, boolean) is $$
A delivery failed by the fault of its endpoint; for workers. After the setting webhook_failures in a row it counts as failing: its deliveries are held, and a
job asks it again and again. After webhook_disable_after it is switched off.

Arguments
  p_code     of the error, as webhook_slow
  p_is_gone  it said that it will never take anything again: switched off at once

Returns active, failing or disabled; busy: another session has its row, and nothing was written.

Raises
  42501  the caller is no operator or worker
  RQ002  the caller is not READ COMMITTED
$$;
